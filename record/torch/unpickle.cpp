#include "record/torch/unpickle.h"

#include <bit>
#include <unordered_map>

#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"
#include "record/torch/known_names.h"

namespace tweed {
namespace {

using Kind = PickleValue::Kind;

// A checkpoint of a large network has some ten thousand.
constexpr std::size_t most_values = 1 << 22;

class Unpickler {
 public:
  using Fail = std::function<void(std::size_t, const std::string&)>;
  Unpickler(std::string_view bytes, const Fail& fail) : bytes_(bytes), fail_(fail) {}

  Pickle run() {
    if (number(1) != 0x80) fail("this is no pickle of protocol 2 to 5");
    if (const uint64_t protocol = number(1); protocol < 2 || protocol > 5)
      fail("this is a pickle of protocol " + std::to_string(protocol) + "; 2 to 5 are read");
    for (;;) {
      start_ = at_;
      const auto code = uint8_t(number(1));
      if (code == '.') break;
      if (!number_code(code) && !text_code(code) && !container_code(code) && !memo_code(code) &&
          !object_code(code))
        fail("the pickle has an instruction " + std::to_string(code) +
             " here, which torch.save does not write");
    }
    pickle_.root = pop();
    pickle_.size = at_;
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    fail_(start_, what);
    throw Error(what);
  }

  // ---- the bytes ----

  std::string_view take(uint64_t size) {
    if (size > bytes_.size() - at_) {
      start_ = bytes_.size();
      fail("the pickle ends here, before its end: cut short");
    }
    at_ += std::size_t(size);
    return bytes_.substr(at_ - std::size_t(size), std::size_t(size));
  }
  // Little-endian.
  uint64_t number(std::size_t size) {
    uint64_t n = 0, shift = 0;
    for (unsigned char c : take(size)) n |= uint64_t(c) << shift, shift += 8;
    return n;
  }
  std::string line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == bytes_.npos) take(bytes_.size());
    const std::string text(take(end - at_));
    take(1);
    return text;
  }

  // ---- values and the stack ----

  PickleValue& make(Kind kind) {
    if (pickle_.values.size() >= most_values) fail("the pickle has more than 4 million values");
    pickle_.values.emplace_back().kind = kind;
    return pickle_.values.back();
  }
  void push(PickleValue& value) {
    if (++pushed_ > 4 * most_values) fail("the pickle has more than 16 million steps");
    stack_.push_back(&value);
  }
  PickleValue* pop() {
    if (stack_.size() <= bottom()) fail("the pickle takes a value where there is none");
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }
  std::size_t bottom() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleValue& top() {
    PickleValue* value = pop();
    stack_.push_back(value);
    return *value;
  }
  // What was pushed since the last mark.
  std::vector<PickleValue*> pop_to_mark() {
    if (marks_.empty()) fail("the pickle goes back to a mark that is not there");
    std::vector<PickleValue*> values(stack_.begin() + std::ptrdiff_t(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return values;
  }
  std::vector<PickleValue*> pop_last(std::size_t count) {
    std::vector<PickleValue*> values(count);
    while (count-- > 0) values[count] = pop();
    return values;
  }

  // ---- instructions, by kind: each returns whether it knows the code ----

  void push_integer(int64_t value) {
    PickleValue& v = make(Kind::integer);
    v.integer = value;
    push(v);
  }
  // Two's complement of any length. What is beyond 64 bits is of no use, and so no number.
  void push_long(uint64_t size) {
    const std::string_view digits = take(size);
    if (size > 8) return push(make(Kind::other));
    uint64_t n = 0, shift = 0;
    for (unsigned char c : digits) n |= uint64_t(c) << shift, shift += 8;
    if (size > 0 && size < 8 && digits.back() < 0) n |= ~uint64_t(0) << shift;
    push_integer(int64_t(n));
  }
  void push_real() {
    uint64_t bits = 0;  // big-endian
    for (unsigned char c : take(8)) bits = bits << 8 | c;
    PickleValue& v = make(Kind::real);
    v.real = std::bit_cast<double>(bits);
    push(v);
  }
  void push_truth(bool value) {
    PickleValue& v = make(Kind::boolean);
    v.integer = value;
    push(v);
  }
  bool number_code(uint8_t code) {
    switch (code) {
      case 'N':
        return push(make(Kind::none)), true;
      case 0x88:
        return push_truth(true), true;
      case 0x89:
        return push_truth(false), true;
      case 'J':
        return push_integer(int32_t(number(4))), true;
      case 'K':
        return push_integer(int64_t(number(1))), true;
      case 'M':
        return push_integer(int64_t(number(2))), true;
      case 0x8A:
        return push_long(number(1)), true;
      case 0x8B:
        return push_long(number(4)), true;
      case 'G':
        return push_real(), true;
    }
    return false;
  }

  void push_text(Kind kind, std::size_t size_bytes) {
    PickleValue& v = make(kind);
    v.text = take(number(size_bytes));
    push(v);
  }
  bool text_code(uint8_t code) {
    switch (code) {
      case 'X':
        return push_text(Kind::text, 4), true;
      case 0x8C:
        return push_text(Kind::text, 1), true;
      case 0x8D:
        return push_text(Kind::text, 8), true;
      case 'T':  // text of Python 2
        return push_text(Kind::text, 4), true;
      case 'U':
        return push_text(Kind::text, 1), true;
      case 'B':
        return push_text(Kind::bytes, 4), true;
      case 'C':
        return push_text(Kind::bytes, 1), true;
      case 0x8E:
        return push_text(Kind::bytes, 8), true;
    }
    return false;
  }

  void push_container(Kind kind, std::vector<PickleValue*> items) {
    PickleValue& v = make(kind);
    v.items = std::move(items);
    push(v);
  }
  void extend(Kind kind, const std::vector<PickleValue*>& items) {
    PickleValue& to = top();
    if (!to.is(kind) || (kind == Kind::dict && items.size() % 2 != 0))
      fail(std::string("the pickle adds items to ") + kind_text(to.kind));
    if (kind != Kind::other) to.items.insert(to.items.end(), items.begin(), items.end());
  }
  bool container_code(uint8_t code) {
    switch (code) {
      case '(':
        if (marks_.size() >= most_values) fail("the pickle is nested too deep");
        return marks_.push_back(stack_.size()), true;
      case ']':
        return push(make(Kind::list)), true;
      case ')':
        return push(make(Kind::tuple)), true;
      case '}':
        return push(make(Kind::dict)), true;
      case 0x8F:  // a set
        return push(make(Kind::other)), true;
      case 'l':
        return push_container(Kind::list, pop_to_mark()), true;
      case 't':
        return push_container(Kind::tuple, pop_to_mark()), true;
      case 'd':
        push(make(Kind::dict));
        return move_under_mark(), true;
      case 0x91:  // a frozen set
        return pop_to_mark(), push(make(Kind::other)), true;
      case 0x85:
      case 0x86:
      case 0x87:
        return push_container(Kind::tuple, pop_last(code - 0x84u)), true;
      case 'a':
        return extend(Kind::list, pop_last(1)), true;
      case 's':
        return extend(Kind::dict, pop_last(2)), true;
      case 'e':
        return extend_by_mark(Kind::list), true;
      case 'u':
        return extend_by_mark(Kind::dict), true;
      case 0x90:
        return extend_by_mark(Kind::other), true;
    }
    return false;
  }
  void extend_by_mark(Kind kind) {
    const auto items = pop_to_mark();
    extend(kind, items);
  }
  // A dict of what was pushed since the mark.
  void move_under_mark() {
    PickleValue* dict = pop();
    const auto items = pop_to_mark();
    push(*dict);
    extend(Kind::dict, items);
  }

  void put(uint64_t number) { memo_[number] = &top(); }
  void get(uint64_t number) {
    auto found = memo_.find(number);
    if (found == memo_.end()) fail("the pickle refers to a value that is not there");
    push(*found->second);
  }
  bool memo_code(uint8_t code) {
    switch (code) {
      case 'q':
        return put(number(1)), true;
      case 'r':
        return put(number(4)), true;
      case 0x94:
        return put(memo_.size()), true;
      case 'h':
        return get(number(1)), true;
      case 'j':
        return get(number(4)), true;
      case '0':
        return pop(), true;
      case '1':
        return pop_to_mark(), true;
      case '2':
        return push(top()), true;
      case 0x95:  // a frame, which only says how many bytes may be read at once
        return number(8), true;
    }
    return false;
  }

  void push_name(const std::string& module, const std::string& name) {
    const std::string full = module + "." + name;
    if (!is_known_name(full)) {
      const std::size_t last = full.rfind('.') + 1;
      const bool is_class = last < full.size() && full[last] >= 'A' && full[last] <= 'Z';
      fail("it asks for " + in_quotes(full, 80) +
           ", which is refused: of such files only tensors, numbers, text and plain containers "
           "are read" +
           (is_class ? "; of a whole module its state_dict() can be saved instead" : ""));
    }
    PickleValue& v = make(Kind::name);
    v.text = full;
    push(v);
  }
  void call() {
    const auto parts = pop_last(2);
    if (!parts[0]->is(Kind::name) || !parts[1]->is(Kind::tuple))
      fail(std::string("the pickle calls ") + kind_text(parts[0]->kind) + " with " +
           kind_text(parts[1]->kind));
    PickleValue& result = make(Kind::none);
    if (auto wrong = call_known(parts[0]->text, parts[1]->items, result); !wrong.empty())
      fail(wrong);
    push(result);
  }
  // The state of a dict or a namespace: attributes beside what it holds.
  void build() {
    pop();
    const Kind kind = top().kind;
    if (kind != Kind::dict && kind != Kind::other)
      fail(std::string("the pickle gives a state to ") + kind_text(kind));
  }
  bool object_code(uint8_t code) {
    switch (code) {
      case 'c': {
        const std::string module = line();
        return push_name(module, line()), true;
      }
      case 0x93: {
        const auto parts = pop_last(2);
        if (!parts[0]->is(Kind::text) || !parts[1]->is(Kind::text))
          fail("the pickle has a name that is no text");
        return push_name(parts[0]->text, parts[1]->text), true;
      }
      case 'R':
      case 0x81:
        return call(), true;
      case 'b':
        return build(), true;
      case 'Q': {
        const PickleValue* id = pop();
        PickleValue& result = make(Kind::none);
        if (auto wrong = find_storage(*id, result); !wrong.empty()) fail(wrong);
        return push(result), true;
      }
    }
    return false;
  }

  std::string_view bytes_;
  const Fail& fail_;
  std::size_t at_ = 0, start_ = 0;  // start_: of the instruction under way
  std::size_t pushed_ = 0;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<uint64_t, PickleValue*> memo_;
};

}  // namespace

uint64_t TorchTensor::elements() const {
  uint64_t n = 1;
  for (uint64_t size : sizes) n *= size;
  return n;
}

uint64_t TorchTensor::span() const {
  uint64_t last = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

const char* kind_text(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return "a truth value";
    case Kind::integer:
    case Kind::real:
      return "a number";
    case Kind::text:
      return "text";
    case Kind::bytes:
      return "bytes";
    case Kind::list:
      return "a list";
    case Kind::tuple:
      return "a tuple";
    case Kind::dict:
      return "a dict";
    case Kind::name:
      return "a class or function";
    case Kind::storage:
      return "a storage";
    case Kind::tensor:
      return "a tensor";
    case Kind::other:
      break;
  }
  return "an object";
}

Pickle unpickle(std::string_view bytes,
                const std::function<void(std::size_t, const std::string&)>& fail) {
  return Unpickler(bytes, fail).run();
}

}  // namespace tweed
