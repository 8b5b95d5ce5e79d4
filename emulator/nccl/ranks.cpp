#include "nccl/ranks.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace emulator {

std::string& last_nccl_error() {
  static auto* text = new std::string;
  return *text;
}
ncclResult_t refuse_nccl(ncclResult_t e, const std::string& why) {
  std::fprintf(stderr, "[emulator] NCCL: %s\n", why.c_str());
  last_nccl_error() = why;
  return e;
}
ncclResult_t break_clique(Clique& clique, ncclResult_t e, const std::string& why) {
  clique.broken = why;
  clique.error = e;
  lock().notify();
  return refuse_nccl(e, why);
}

std::string text_of(const Call& c) {
  static const char* const names[] = {"ncclAllReduce", "ncclBroadcast",     "ncclReduce",
                                      "ncclAllGather", "ncclReduceScatter", "ncclSend",
                                      "ncclRecv"};
  std::string text = std::string(names[int(c.kind)]) + "(count " + std::to_string(c.count) + ", " +
                     name_of(c.type);
  if (c.kind == Kind::all_reduce || c.kind == Kind::reduce || c.kind == Kind::reduce_scatter)
    text += std::string(", ") + name_of(c.op);
  if (c.kind == Kind::broadcast || c.kind == Kind::reduce)
    text += ", root " + std::to_string(c.root);
  if (c.kind == Kind::send) text += ", to rank " + std::to_string(c.root);
  if (c.kind == Kind::receive) text += ", from rank " + std::to_string(c.root);
  return text + ")";
}

bool Meeting::full() const {
  return std::all_of(sides.begin(), sides.end(), [](auto& s) { return s && s->arrived; });
}

namespace {

using Issued = ncclComm::Issued;

bool is_message(const Call& c) { return c.kind == Kind::send || c.kind == Kind::receive; }

// What two sides of a meeting disagree about, if anything.
bool fit(const Call& a, const Call& b) {
  if (is_message(a)) return a.count == b.count && a.type == b.type;
  const bool reduces =
      a.kind == Kind::all_reduce || a.kind == Kind::reduce || a.kind == Kind::reduce_scatter;
  const bool rooted = a.kind == Kind::broadcast || a.kind == Kind::reduce;
  return a.kind == b.kind && a.count == b.count && a.type == b.type && (!reduces || a.op == b.op) &&
         (!rooted || a.root == b.root);
}

char* bytes_at(const void* p, std::size_t bytes) {
  if (!bytes) return nullptr;
  char* host = memory().host(p, bytes);
  if (!host) throw Fault("NCCL: a buffer was freed before it was used");
  return host;
}

// All sides have arrived: the numbers move.
void perform(Meeting& meeting) {
  auto call = [&](std::size_t side) -> const Call& { return meeting.sides[side]->call; };
  const Call& any = call(0);
  const std::size_t ranks = meeting.sides.size(), bytes = any.count * bytes_of(any.type);
  if (bytes == 0) return;
  if (is_message(any)) {
    std::memmove(bytes_at(call(1).to, bytes), bytes_at(any.from, bytes), bytes);
    return;
  }
  // From copies of everything: a result may lie where somebody's operand does.
  const std::size_t given = any.kind == Kind::reduce_scatter ? bytes * ranks : bytes;
  std::vector<std::vector<char>> operands(ranks);
  for (std::size_t r = 0; r < ranks; ++r)
    if (any.kind != Kind::broadcast || int(r) == any.root)
      if (const char* from = bytes_at(call(r).from, given)) operands[r].assign(from, from + given);
  for (std::size_t r = 0; r < ranks; ++r) {
    if (any.kind == Kind::reduce && int(r) != any.root) continue;
    char* to = bytes_at(call(r).to, any.kind == Kind::all_gather ? bytes * ranks : bytes);
    if (any.kind == Kind::broadcast) {
      std::memcpy(to, operands[std::size_t(any.root)].data(), bytes);
    } else if (any.kind == Kind::all_gather) {
      for (std::size_t k = 0; k < ranks; ++k)
        std::memcpy(to + k * bytes, operands[k].data(), bytes);
    } else {
      std::vector<const char*> from;
      for (auto& o : operands)
        from.push_back(o.data() + (any.kind == Kind::reduce_scatter ? r * bytes : 0));
      reduce(any.type, any.op, any.count, from, to);
    }
  }
}

void arrive(Meeting& meeting, std::size_t side) {
  meeting.sides[side]->arrived = true;
  if (!meeting.full()) return;
  perform(meeting);
  meeting.done = true;
}

// Returns whether the clique goes on.
bool goes_on(const Clique& clique) {
  if (clique.aborted) return false;
  if (!clique.broken.empty()) throw Fault("NCCL: stopped, because " + clique.broken);
  return true;
}

std::string waits(const ncclComm& comm, const Meeting& meeting, std::size_t side,
                  std::size_t missing) {
  const auto& own = *meeting.sides[side];
  const int other = is_message(own.call) ? own.call.root : int(missing);
  return "rank " + std::to_string(comm.rank) + " waits in " + text_of(own.call) + " for rank " +
         std::to_string(other) + ", which has not called it";
}

// Makes the other sides of a meeting come.
void meet(ncclComm& comm, Meeting& meeting, std::size_t side) {
  Clique& clique = *comm.clique;
  for (std::size_t k = 0; k < meeting.sides.size() && !meeting.done; ++k) {
    auto& other = meeting.sides[k];
    await([&] { return other.has_value() || !goes_on(clique); },
          [&] { return waits(comm, meeting, side, k); });
    if (!goes_on(clique)) return;
    if (!other->arrived) drain(*other->stream, other->at);
    if (!goes_on(clique)) return;
    if (!other->arrived)
      throw Fault("NCCL: rank " + std::to_string(other->rank) + " did not come to " +
                  text_of(other->call));
  }
}

// A stream has come to the calls: the first of the communicator's that it has not done.
void run(ncclComm& comm) {
  const Stream& stream = running_stream();
  const uint64_t at = stream.done + 1;
  const auto is_mine = [&](auto& i) { return i->stream == &stream && i->at == at && !i->done; };
  // A communicator does one thing after another, whatever streams they are in.
  for (;;) {
    const auto first = comm.issued.front();
    if (is_mine(first)) break;
    drain(*first->stream, first->at);
    if (!comm.issued.empty() && comm.issued.front() == first)
      throw Fault("NCCL: rank " + std::to_string(comm.rank) + "'s earlier call did not end");
  }
  const auto mine = comm.issued.front();
  for (auto& [meeting, side] : mine->sides) arrive(*meeting, side);
  lock().notify();
  for (auto& [meeting, side] : mine->sides) meet(comm, *meeting, side);
  mine->done = true;
  comm.issued.pop_front();
}

bool would_wait(const ncclComm& comm, const Stream& stream, uint64_t at) {
  if (comm.clique->aborted || !comm.clique->broken.empty()) return false;
  for (auto& issued : comm.issued) {
    for (auto& [meeting, side] : issued->sides)
      for (auto& other : meeting->sides)
        if (!other) return true;
    if (issued->stream == &stream && issued->at == at) return false;
  }
  return false;
}

// The side of a meeting that a call is; the meeting is the next of its kind.
std::pair<std::shared_ptr<Meeting>, std::size_t> place_of(ncclComm& comm, const Call& call) {
  Clique& clique = *comm.clique;
  const bool message = is_message(call), sends = call.kind == Kind::send;
  const std::array<int, 2> pair = {sends ? comm.rank : call.root, sends ? call.root : comm.rank};
  // Sends and receives of a rank to itself are counted each for themselves.
  std::array<int, 2> counted = pair;
  if (message && pair[0] == pair[1] && !sends) counted = {-1, -1};
  auto& all = message ? clique.messages[pair] : clique.collectives;
  while (!all.empty() && all.begin()->second->done) all.erase(all.begin());
  auto& meeting = all[message ? comm.messages[counted]++ : comm.collectives++];
  if (!meeting) {
    meeting = std::make_shared<Meeting>();
    meeting->sides.resize(message ? 2 : std::size_t(clique.ranks));
  }
  return {meeting, message ? std::size_t(!sends) : std::size_t(comm.rank)};
}

// Notes a call in its meeting, if it fits the other sides.
void join(ncclComm& comm, Issued& issued, const Call& call, uint64_t group) {
  const auto [meeting, side] = place_of(comm, call);
  Clique& clique = *comm.clique;
  const Meeting::Side mine{comm.rank, call, issued.stream, issued.at, std::this_thread::get_id(),
                           group,     false};
  issued.sides.push_back({meeting, side});
  for (auto& other : meeting->sides) {
    if (!other || !clique.broken.empty()) continue;
    if (!fit(call, other->call)) {
      const auto &first = other->rank < comm.rank ? *other : mine,
                 &second = other->rank < comm.rank ? mine : *other;
      break_clique(clique, ncclInvalidUsage,
                   "rank " + std::to_string(first.rank) + " called " + text_of(first.call) +
                       ", rank " + std::to_string(second.rank) + " called " + text_of(second.call));
    } else if (other->thread == mine.thread && other->group != group && other->rank != comm.rank &&
               group != any_group && other->group != any_group) {
      break_clique(clique, ncclInvalidUsage,
                   "a thread called " + text_of(other->call) + " for rank " +
                       std::to_string(other->rank) + ", then " + text_of(call) + " for rank " +
                       std::to_string(comm.rank) +
                       ", not between one ncclGroupStart and ncclGroupEnd: the first may wait for "
                       "the second for ever");
    }
  }
  meeting->sides[side] = mine;
}

}  // namespace

ncclResult_t issue(ncclComm& comm, cudaStream_t stream, const std::vector<Call>& calls,
                   uint64_t group) {
  const OnDevice on_device(comm.device);
  auto* own = &comm;
  // Graphs may be launched one after another: each launch returns at once.
  const uint64_t known = exists(stream) && stream_of(stream).capture ? any_group : group;
  const auto error =
      submit(stream, text_of(calls.at(0)), [own] { run(*own); },
             {[own, calls, known](Stream& s, uint64_t at) {
                auto issued = std::make_shared<Issued>(Issued{&s, at, {}});
                for (auto& call : calls) join(*own, *issued, call, known);
                own->issued.push_back(issued);
              },
              [own](const Stream& s, uint64_t at) { return would_wait(*own, s, at); }});
  if (comm.clique->error) return comm.clique->error;
  return error == cudaSuccess ? ncclSuccess
                              : refuse_nccl(ncclUnhandledCudaError,
                                            text_of(calls.at(0)) + ": the stream refuses it");
}

}  // namespace emulator
