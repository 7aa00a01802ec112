// A toy GPU: tensors of device cuda, computed by torch's CPU kernels in this machine's memory.
//
// What a CPU hides shows here: tensors of two devices in one operation, a generator of the wrong
// device, memory that runs out, a number that the host waits for. Loaded before torch, so that torch
// asks these hooks for its GPU; `toy_install` then gives every operation of CUDA a kernel that calls
// the CPU's. Numbers are the CPU's; streams, graphs and cuDNN are not imitated. See __init__.py.
#include <ATen/core/dispatch/Dispatcher.h>

#include <set>
#include <unordered_map>

#include "toy_device.h"

using Names = std::set<std::string>;

// Torch itself lets indices lie on the CPU, and copies from anywhere.
static const Names MIXED = {"aten::copy_", "aten::_foreach_copy_", "aten::index", "aten::_unsafe_index",
    "aten::index_put_", "aten::_index_put_impl_"};
// Views need no kernel, and these two get their own.
static const Names LEFT = {"aten::as_strided", "aten::view", "aten::_reshape_alias", "aten::unfold",
    "aten::view_as_real", "aten::view_as_complex", "aten::record_stream", "aten::set_", "aten::resize_"};
// Composite ones, of which parts are CUDA's alone.
static const Names WHOLE = {"aten::convolution", "aten::convolution_backward", "aten::copy_"};
// Far slower in fp16 than in fp32 on a CPU.
static const Names SLOW = {"aten::convolution", "aten::convolution_backward", "aten::mm", "aten::addmm",
    "aten::bmm", "aten::baddbmm"};
// A GPU's host waits until their result is there.
static const Names WAITING = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select",
    "aten::equal", "aten::_unique2", "aten::unique_dim"};

struct Call {
  const OperatorHandle& op;
  const std::string& name = op.schema().name();
  const bool widened = SLOW.count(name) && op.schema().overload_name().empty();
  bool was_half = false, to_cpu = false;
  std::string on_cpu{};  // the shape of an input that lies there
  Device device = CPU;  // a toy GPU as soon as an input lies on one
  std::unordered_map<TensorImpl*, at::Tensor> inputs{};

  void on(Device found) {
    if (found.index() < 0) found = gpu();
    TORCH_CHECK(device.is_cpu() || device == found || MIXED.count(name),
        "Expected all tensors to be on the same device, but found at least two devices, ", device,
        " and ", found, ", in ", name);
    if (device.is_cpu()) device = found;
  }

  at::Tensor in(const at::Tensor& tensor, bool first) {
    if (!tensor.defined()) return tensor;
    if (tensor.device().is_cpu()) {
      if (tensor.dim()) on_cpu = c10::str(tensor.sizes());  // numbers of no dimension go anywhere
      if (first) to_cpu = true;
      return tensor;
    }
    on(tensor.device());
    auto alias = as_device(tensor, CPU);
    if (widened && alias.scalar_type() == at::kHalf) {
      was_half = true;
      return alias.to(at::kFloat);
    }
    inputs[alias.unsafeGetTensorImpl()] = tensor;
    return alias;
  }

  IValue in(const IValue& value, const Argument& argument, bool first) {
    if (value.isTensor()) return in(value.toTensor(), first);
    if (value.isTensorList()) {
      List<at::Tensor> all;
      for (const at::Tensor& each : value.toTensorVector()) all.push_back(in(each, first));
      return all;
    }
    if (value.isOptionalTensorList()) {
      List<std::optional<at::Tensor>> all;
      for (const auto& each : value.toOptionalTensorVector())
        all.push_back(each ? std::optional(in(*each, false)) : std::nullopt);
      return all;
    }
    if (value.isDevice() && value.toDevice().is_cuda()) {
      on(value.toDevice());
      return CPU;
    }
    if (argument.type()->str().find("Generator") == std::string::npos) return value;
    if (value.isNone()) return toy(default_generator(-1));
    TORCH_CHECK(value.toGenerator().device().is_cuda(), "Expected a 'cuda' device type for generator");
    return toy(value.toGenerator());
  }
  static at::Generator toy(const at::Generator& generator) {
    return static_cast<ToyGenerator*>(generator.unsafeGetGeneratorImpl())->inner;
  }

  at::Tensor out(const at::Tensor& tensor) {
    if (!tensor.defined() || tensor.device().is_cuda()) return tensor;
    if (was_half) return as_device(tensor.to(at::kHalf), device);
    const auto found = inputs.find(tensor.unsafeGetTensorImpl());
    if (found == inputs.end()) return as_device(tensor, device);
    auto& own = found->second;
    if (own.data_ptr() != tensor.data_ptr() || !own.sizes().equals(tensor.sizes())) {  // it has grown
      const auto grown = as_device(tensor, own.device());
      own.unsafeGetTensorImpl()->set_storage_keep_dtype(grown.storage());
      own.unsafeGetTensorImpl()->set_sizes_and_strides(grown.sizes(), grown.strides(), 0);
    }
    return own;
  }
};

static void compute(const OperatorHandle& op, DispatchKeySet, torch::jit::Stack* stack) {
  Call call{op};
  const auto& schema = op.schema();
  const auto first = stack->size() - schema.arguments().size();
  for (size_t i = 0; i < schema.arguments().size(); i++)
    (*stack)[first + i] = call.in((*stack)[first + i], schema.arguments()[i], i == 0);
  const bool copies = call.name == "aten::copy_", leaves = copies && call.to_cpu;
  TORCH_CHECK(call.on_cpu.empty() || copies || (MIXED.count(call.name) && !call.to_cpu),
      "Expected all tensors to be on the same device, but found at least two devices, cpu (of shape ",
      call.on_cpu, ") and ", call.device, ", in ", call.name);
  const bool enters = copies && !call.on_cpu.empty() && !call.to_cpu && !(*stack)[first + 2].toBool();
  if (leaves || enters || WAITING.count(call.name)) {
    TORCH_CHECK(!waiting_fails, "called a synchronizing CUDA operation");
    waits++;
  }
  op.redispatchBoxed(DispatchKeySet(DispatchKey::CPU), stack);
  if (leaves) return;
  for (size_t i = stack->size() - schema.returns().size(); i < stack->size(); i++) {
    IValue& value = (*stack)[i];
    if (value.isTensor()) {
      value = call.out(value.toTensor());
    } else if (value.isTensorList()) {
      List<at::Tensor> all;
      for (const at::Tensor& each : value.toTensorVector()) all.push_back(call.out(each));
      value = all;
    }
  }
}

static const at::Tensor& resize(
    const at::Tensor& self, IntArrayRef size, std::optional<MemoryFormat>) {
  const auto grown = as_device(at::empty(size, self.options().device(CPU)), self.device());
  self.unsafeGetTensorImpl()->set_storage_keep_dtype(grown.storage());
  self.unsafeGetTensorImpl()->set_sizes_and_strides(grown.sizes(), grown.strides(), 0);
  return self;
}

static at::Tensor& set_storage(at::Tensor& self, at::Storage storage, int64_t offset,
    IntArrayRef size, IntArrayRef stride) {
  const auto contiguous = contiguous_strides(size);
  self.unsafeGetTensorImpl()->set_storage_keep_dtype(std::move(storage));
  self.unsafeGetTensorImpl()->set_sizes_and_strides(
      size, stride.size() == size.size() ? stride : IntArrayRef(contiguous), offset);
  return self;
}

extern "C" {
void toy_install() {
  static impl::DeviceGuardImplRegistrar guard(DeviceType::CUDA, new Guard());
  static std::vector<RegistrationHandleRAII> kept;
  auto& dispatcher = Dispatcher::singleton();
  const auto give = [&](OperatorName name, KernelFunction kernel) {
    kept.push_back(dispatcher.registerImpl(
        std::move(name), DispatchKey::CUDA, std::move(kernel), std::nullopt, nullptr, "toy GPU"));
  };
  for (auto& name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findOp(name);
    const bool ours = name.name.rfind("aten::", 0) == 0 || name.name.rfind("torchvision::", 0) == 0;
    if (!ours || LEFT.count(name.name) || !op || !op->hasSchema()) continue;
    if (WHOLE.count(name.name) || op->hasKernelForDispatchKey(DispatchKey::CPU) ||
        op->hasKernelForDispatchKey(DispatchKey::CUDA))
      give(name, KernelFunction::makeFromBoxedFunction<&compute>());
  }
  give({"aten::resize_", ""}, KernelFunction::makeFromUnboxedRuntimeFunction(&resize));
  give({"aten::set_", "source_Storage_storage_offset"},
      KernelFunction::makeFromUnboxedRuntimeFunction(&set_storage));
}
int toy_devices() { return devices(); }
int toy_current() { return current; }
int toy_exchange(int index) { return std::exchange(current, static_cast<DeviceIndex>(index)); }
void toy_next_generator_is_default() { next_is_default = true; }
int64_t toy_used() { return used; }
int64_t toy_peak() { return peak; }
int64_t toy_waits() { return waits; }
void toy_reset_peak() { peak = used.load(); }
void toy_waiting_fails(int fails) { waiting_fails = fails; }
void toy_limit(int64_t bytes) { limit = bytes; }
}
