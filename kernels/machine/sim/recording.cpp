#include <cstring>
#include <functional>
#include <vector>

#include "kernels/machine/recording.h"
#include "kernels/machine/sim/run.h"

namespace tweed {

// Every kernel, copy and zeroing in order, each with the arguments it was given.
class SimRecording : public Recording {
 public:
  explicit SimRecording(Sim& machine) : machine_(machine) {}
  void add(std::function<void()> work) { work_.push_back(std::move(work)); }
  void replay() override {
    for (auto& work : work_) work();
  }
  Sim& machine() const { return machine_; }

 private:
  Sim& machine_;
  std::vector<std::function<void()>> work_;
};

void begin_recording(Sim& machine) {
  if (machine.recording) throw Error("[replay] the simulator records already");
  machine.recording = new SimRecording(machine);
}
std::unique_ptr<Recording> end_recording(Sim& machine) {
  std::unique_ptr<SimRecording> recording(machine.recording);
  machine.recording = nullptr;
  return recording;
}

namespace sim {

// A launch refers to what lies on its caller's stack: its regions and arguments are copied.
void note(const Launch& launch, Sim& machine) {
  std::vector<Region> regions(launch.regions, launch.regions + launch.region_count);
  auto bytes = static_cast<const char*>(launch.context);
  std::vector<char> context(bytes, bytes + launch.context_bytes);
  machine.recording->add([launch, regions, context, &machine] {
    Launch again = launch;
    again.regions = regions.data();
    again.context = context.data();
    run(again, machine);
  });
}

void copy(Sim& machine, void* to, const void* from, std::size_t bytes) {
  auto work = [=] { std::memmove(to, from, bytes); };
  if (machine.recording)
    machine.recording->add(work);
  else
    work();
}
void zero(Sim& machine, void* p, std::size_t bytes) {
  auto work = [=] { std::memset(p, 0, bytes); };
  if (machine.recording)
    machine.recording->add(work);
  else
    work();
}

}  // namespace sim
}  // namespace tweed
