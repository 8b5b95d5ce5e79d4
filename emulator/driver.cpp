#include "driver.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "switches.h"

namespace emulator {

Mutex& lock() {
  static auto* one = new Mutex;
  return *one;
}

static Stream& legacy(int device) {
  static auto* all = new std::map<int, Stream>;
  Stream& s = (*all)[device];
  s.device = device;
  return s;
}
static std::set<Stream*>& streams() {
  static auto* all = new std::set<Stream*>;
  return *all;
}
static std::vector<Stream*> streams_of(int device) {
  std::vector<Stream*> some;
  for (auto* s : streams())
    if (s->device == device) some.push_back(s);
  return some;
}
static thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

bool exists(cudaStream_t s) {
  return !s || s == cudaStreamLegacy || streams().count(reinterpret_cast<Stream*>(s));
}
Stream& stream_of(cudaStream_t s) {
  return !s || s == cudaStreamLegacy ? legacy(current_device()) : *reinterpret_cast<Stream*>(s);
}

cudaError_t& sticky(int device) {
  static auto* all = new std::map<int, cudaError_t>;
  return (*all)[device];
}
cudaError_t& last_error() {
  static thread_local cudaError_t e = cudaSuccess;
  return e;
}
cudaError_t refuse(cudaError_t e, const std::string& why) {
  std::fprintf(stderr, "[emulator] %s\n", why.c_str());
  return noted(e);
}

static void perform(const Work& work) {
  cudaError_t& error = sticky(work.device);
  if (error != cudaSuccess) return;  // nothing runs any more
  try {
    work.run();
  } catch (const std::exception& e) {
    error = cudaErrorIllegalAddress;
    std::fprintf(stderr, "[emulator] %s: %s\n", work.what.c_str(), e.what());
    if (is_on("EMULATOR_ABORT", false)) std::abort();
  }
}
static thread_local Stream* runs_here = nullptr;
Stream& running_stream() { return *runs_here; }

static bool would_wait(const Work& work, const Stream& s, uint64_t at) {
  return work.meets.would_wait && work.meets.would_wait(s, at);
}
static void drain(Stream& s, uint64_t until, bool ready_only) {
  while (s.done < until && (s.runs || !s.queue.empty())) {
    if (ready_only && (s.runs || would_wait(s.queue.front(), s, s.done + 1))) return;
    if (s.runs) {
      try {
        wait_for_runner(s);
      } catch (const Fault& e) {
        if (runs_here) throw;
        std::fprintf(stderr, "[emulator] %s\n", e.what());
        sticky(s.device) = cudaErrorLaunchTimeout;
        return;
      }
      continue;
    }
    const Work work = std::move(s.queue.front());
    s.queue.pop_front();
    s.runs = true;
    s.runner = std::this_thread::get_id();
    Stream* const before = std::exchange(runs_here, &s);
    perform(work);
    runs_here = before;
    s.runs = false;
    ++s.done;
    lock().notify();
  }
}
void drain(Stream& s, uint64_t until) { drain(s, until, false); }
void drain_ready(Stream& s, uint64_t until) { drain(s, until, true); }
void drain_device(int device) {
  drain(legacy(device));
  for (auto* s : streams_of(device)) drain(*s);
}

static cudaError_t break_capture(Capture& c, cudaError_t e, const std::string& why) {
  c.broken = cudaErrorStreamCaptureInvalidated;
  return refuse(e, why);
}
cudaError_t unsafe(const char* what) {
  if (thread_mode == cudaStreamCaptureModeRelaxed) return cudaSuccess;
  for (auto* s : streams())
    if (auto c = s->capture; c && c->mode != cudaStreamCaptureModeRelaxed && c->origin == s)
      if (c->thread == std::this_thread::get_id() ||
          (c->mode == cudaStreamCaptureModeGlobal && thread_mode == cudaStreamCaptureModeGlobal))
        return break_capture(*c, cudaErrorStreamCaptureUnsupported,
                             std::string(what) + " while a stream captures");
  return cudaSuccess;
}
cudaError_t not_captured(Stream& s, const char* what) {
  if (!s.capture) return cudaSuccess;
  return break_capture(*s.capture, cudaErrorStreamCaptureUnsupported,
                       std::string(what) + " of a stream that captures");
}

cudaError_t of_current_device(cudaStream_t stream, const std::string& what) {
  if (!exists(stream)) return refuse(cudaErrorInvalidResourceHandle, what + ": no such stream");
  const int device = stream_of(stream).device;
  if (device == current_device()) return cudaSuccess;
  return refuse(cudaErrorInvalidResourceHandle,
                what + other_device("the stream", device, "the current one", current_device()));
}
cudaError_t submit(cudaStream_t stream, std::string what, std::function<void()> run, Meets meets) {
  const Guard l(lock());
  if (!exists(stream)) return refuse(cudaErrorInvalidResourceHandle, what + ": no such stream");
  Stream& s = stream_of(stream);
  if (sticky(s.device) != cudaSuccess) return noted(sticky(s.device));
  if (s.capture) {
    if (s.capture->broken) return noted(s.capture->broken);
    s.capture->nodes.push_back({std::move(what), std::move(run), std::move(meets), s.device});
    if (&s != s.capture->origin) s.capture->unjoined.insert(&s);
    return cudaSuccess;
  }
  if (&s == &legacy(s.device)) {
    for (auto* other : streams_of(s.device)) {
      if (!other->blocking) continue;
      if (other->capture)
        return break_capture(
            *other->capture, cudaErrorStreamCaptureImplicit,
            what + " in the legacy stream, which a stream that captures keeps order with");
      drain(*other);
    }
  } else if (s.blocking) {
    drain(legacy(s.device));
  }
  s.queue.push_back({std::move(what), std::move(run), std::move(meets), s.device});
  ++s.issued;
  if (auto& work = s.queue.back(); work.meets.issued) work.meets.issued(s, s.issued);
  lock().notify();
  if (!late()) drain_ready(s);
  return noted(sticky(s.device));
}

int architecture() { return int(switched("EMULATOR_ARCH", 80)); }
uint32_t most_shared() {
  const int sm = architecture();
  return uint32_t(sm == 86 || sm == 89 || sm == 120 ? 99 : sm >= 90 ? 227 : 163) << 10;
}
const std::string& device_name() {
  static const std::string name = "emulated GPU";
  return name;
}

}  // namespace emulator

using namespace emulator;
static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

extern "C" {

// ---- streams -----------------------------------------------------------------------------------

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned flags) {
  const Guard g(lock());
  if (auto e = unsafe("cudaStreamCreate")) return e;
  auto* s = new Stream;
  s->device = current_device();
  s->blocking = !(flags & cudaStreamNonBlocking);
  streams().insert(s);
  *out = reinterpret_cast<cudaStream_t>(s);
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* out, unsigned flags, int) {
  return cudaStreamCreateWithFlags(out, flags);
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return *least = 0, *greatest = -5, cudaSuccess;  // which changes nothing here
}
cudaError_t cudaStreamCreate(cudaStream_t* out) {
  return cudaStreamCreateWithFlags(out, cudaStreamDefault);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Guard g(lock());
  if (!stream || !exists(stream))
    return refuse(cudaErrorInvalidResourceHandle, "cudaStreamDestroy: no such stream");
  Stream& s = stream_of(stream);
  if (s.capture)
    return break_capture(*s.capture, cudaErrorStreamCaptureUnsupported,
                         "cudaStreamDestroy of a stream that captures");
  drain(s);
  streams().erase(&s);  // not freed: events may name it
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Guard g(lock());
  if (!exists(stream))
    return refuse(cudaErrorInvalidResourceHandle, "cudaStreamSynchronize: no such stream");
  Stream& s = stream_of(stream);
  if (auto e = not_captured(s, "cudaStreamSynchronize")) return e;
  if (auto e = unsafe("cudaStreamSynchronize")) return e;
  if (!stream || stream == cudaStreamLegacy)
    for (auto* other : streams_of(s.device))
      if (other->blocking) drain(*other);
  drain(s);
  return noted(sticky(s.device));
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const Guard g(lock());
  if (!exists(stream))
    return refuse(cudaErrorInvalidResourceHandle, "cudaStreamQuery: no such stream");
  Stream& s = stream_of(stream);
  if (auto e = not_captured(s, "cudaStreamQuery")) return e;
  const bool ready = s.queue.empty();
  drain_ready(s, s.done + 1);  // so that who asks again and again gets an end
  const cudaError_t error = sticky(s.device);
  return error ? noted(error) : ready ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaDeviceSynchronize() {
  const Guard g(lock());
  for (auto* s : streams_of(current_device()))
    if (auto e = not_captured(*s, "cudaDeviceSynchronize")) return e;
  drain_device(current_device());
  return noted(sticky());
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Guard g(lock());
  if (!event || !exists(stream))
    return refuse(cudaErrorInvalidResourceHandle, "cudaStreamWaitEvent");
  Stream& s = stream_of(stream);
  if (auto from = event->capture.lock(); event->captured && from) {
    if (s.capture && s.capture != from)
      return break_capture(*from, cudaErrorStreamCaptureMerge,
                           "cudaStreamWaitEvent joins two captures");
    if (!s.capture) {
      if (!s.queue.empty()) drain(s);
      s.capture = from;
    }
    if (event->stream != &s) from->unjoined.erase(event->stream);
    if (&s != from->origin) from->unjoined.insert(&s);
    return cudaSuccess;
  }
  if (event->captured)
    return refuse(cudaErrorCapturedEvent,
                  "cudaStreamWaitEvent: the event was recorded in a capture that has ended");
  if (s.capture)
    return break_capture(
        *s.capture, cudaErrorStreamCaptureIsolation,
        "cudaStreamWaitEvent: a stream that captures waits for an event from outside");
  if (!event->stream) return cudaSuccess;
  Stream* other = event->stream;
  const uint64_t at = event->at;
  return submit(stream, "cudaStreamWaitEvent", [other, at] { drain(*other, at); });
}

// ---- events ------------------------------------------------------------------------------------

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned flags) {
  *out = new CUevent_st;
  (*out)->device = current_device();
  (*out)->timed = !(flags & cudaEventDisableTiming);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* out) { return cudaEventCreateWithFlags(out, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  const Guard g(lock());
  if (e && e->stream && !e->captured && e->timed) drain(*e->stream, e->at);
  delete e;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t stream) {
  const Guard g(lock());
  if (!e || !exists(stream)) return refuse(cudaErrorInvalidResourceHandle, "cudaEventRecord");
  Stream& s = stream_of(stream);
  if (s.device != e->device)
    return refuse(cudaErrorInvalidResourceHandle,
                  "cudaEventRecord" + other_device("the stream", s.device, "the event", e->device));
  e->stream = &s;
  e->captured = s.capture != nullptr;
  e->capture = s.capture;
  if (s.capture) return noted(s.capture->broken);
  const bool timed = e->timed;
  auto error = submit(stream, "cudaEventRecord", [e, timed] {
    if (timed) e->seconds = now();
  });
  e->at = s.issued;
  return error;
}
static cudaError_t reached(cudaEvent_t e, const char* what) {
  if (!e) return refuse(cudaErrorInvalidResourceHandle, what);
  if (e->captured) {
    if (auto c = e->capture.lock())
      return break_capture(*c, cudaErrorCapturedEvent,
                           std::string(what) + " of an event that was recorded in a capture");
    return refuse(cudaErrorCapturedEvent,
                  std::string(what) + " of an event that was recorded in a capture");
  }
  return unsafe(what);
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  const Guard g(lock());
  if (auto error = reached(e, "cudaEventSynchronize")) return error;
  if (e->stream) drain(*e->stream, e->at);
  return noted(sticky(e->device));
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  const Guard g(lock());
  if (auto error = reached(e, "cudaEventQuery")) return error;
  const bool ready = !e->stream || e->stream->done >= e->at;
  if (!ready) drain_ready(*e->stream, e->stream->done + 1);
  const cudaError_t error = sticky(e->device);
  return error ? noted(error) : ready ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
  const Guard g(lock());
  if (!from || !to || !from->timed || !to->timed || !from->stream || !to->stream)
    return refuse(cudaErrorInvalidResourceHandle, "cudaEventElapsedTime");
  if (from->device != to->device)
    return refuse(
        cudaErrorInvalidResourceHandle,
        "cudaEventElapsedTime" + other_device("one event", from->device, "the other", to->device));
  if (from->stream->done < from->at || to->stream->done < to->at) return noted(cudaErrorNotReady);
  *ms = float(1e3 * (to->seconds - from->seconds));
  return cudaSuccess;
}

// ---- graphs ------------------------------------------------------------------------------------

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, thread_mode);
  return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const Guard g(lock());
  if (!stream || stream == cudaStreamLegacy)
    return refuse(cudaErrorStreamCaptureUnsupported, "the legacy stream cannot capture");
  if (!exists(stream))
    return refuse(cudaErrorInvalidResourceHandle, "cudaStreamBeginCapture: no such stream");
  Stream& s = stream_of(stream);
  if (s.capture)
    return refuse(cudaErrorIllegalState, "cudaStreamBeginCapture: the stream captures already");
  s.capture =
      std::make_shared<Capture>(Capture{mode, std::this_thread::get_id(), &s, {}, {}, cudaSuccess});
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const Guard g(lock());
  Stream& s = stream_of(stream);
  *status = !s.capture          ? cudaStreamCaptureStatusNone
            : s.capture->broken ? cudaStreamCaptureStatusInvalidated
                                : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* out) {
  const Guard g(lock());
  *out = nullptr;
  Stream& s = stream_of(stream);
  if (!exists(stream) || !s.capture || s.capture->origin != &s)
    return refuse(cudaErrorIllegalState, "cudaStreamEndCapture: the stream began no capture");
  const auto c = s.capture;
  if (c->mode != cudaStreamCaptureModeRelaxed && c->thread != std::this_thread::get_id())
    return refuse(cudaErrorStreamCaptureWrongThread, "cudaStreamEndCapture on another thread");
  for (auto* other : streams())
    if (other->capture == c) other->capture = nullptr;
  if (c->broken) return noted(c->broken);
  if (!c->unjoined.empty())
    return refuse(cudaErrorStreamCaptureUnjoined,
                  "cudaStreamEndCapture: a stream that came along was not waited for");
  *out = new CUgraph_st{std::move(c->nodes), s.device};
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long) {
  if (!graph) return refuse(cudaErrorInvalidValue, "cudaGraphInstantiate of no graph");
  *out = new CUgraphExec_st{graph->nodes, graph->device};
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t*, size_t* count) {
  *count = graph->nodes.size();
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream) {
  if (!ready) return refuse(cudaErrorInvalidValue, "cudaGraphLaunch of no graph");
  if (!exists(stream)) return refuse(cudaErrorInvalidResourceHandle, "cudaGraphLaunch: no stream");
  if (const int device = stream_of(stream).device; device != ready->device)
    return refuse(
        cudaErrorInvalidResourceHandle,
        "cudaGraphLaunch" + other_device("the stream", device, "the graph", ready->device));
  // Each node by itself: where two ranks' graphs have several of NCCL's calls, one goes on to its
  // next call only when the other has been at the one before.
  const Guard g(lock());
  for (const Work& node : ready->nodes)
    if (auto e = submit(stream, node.what, node.run, node.meets)) return e;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready) {
  delete ready;
  return cudaSuccess;
}

}  // extern "C"
