// What somebody may have meant who wrote a name that there is not.
#pragma once
#include <string>
#include <vector>

namespace tweed {

/// "; did you mean 'resnet18'?", or "" where no name is near: the fewest letters to change, put in
/// or take out, upper and lower case and signs between letters aside.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& names);

}  // namespace tweed
