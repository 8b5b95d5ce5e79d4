// The attacks that there are.
#pragma once
#include <map>

#include "attacks/attack.h"

namespace tweed {

/// By their names; register_attack() adds to them.
std::map<std::string, AttackKind> built_in_attacks();

}  // namespace tweed
