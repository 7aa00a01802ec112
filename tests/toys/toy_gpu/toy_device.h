// What torch asks of a GPU, toy_gpu.cpp's: its memory, generators, hooks and guards.
#pragma once
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/GeneratorImpl.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <atomic>
#include <cstdlib>

using namespace c10;

static const Device CPU(DeviceType::CPU);
static thread_local DeviceIndex current = 0;
static int devices() {
  static const int count = std::getenv("TOY_GPUS") ? std::atoi(std::getenv("TOY_GPUS")) : 1;
  return count;
}
static Device gpu(DeviceIndex index = -1) {
  return Device(DeviceType::CUDA, index < 0 ? current : index);
}

// Memory: what tensors of all toy GPUs take, in blocks of 512 bytes as CUDA's allocator has them

static std::atomic<int64_t> used{0}, peak{0}, limit{INT64_MAX}, waits{0};
static bool waiting_fails = false;

struct Block {  // a CPU's storage that a GPU's tensor holds
  Storage storage;
  int64_t bytes;
};
static void free_block(void* block) {
  used -= static_cast<Block*>(block)->bytes;
  delete static_cast<Block*>(block);
}
static void free_storage(void* storage) { delete static_cast<Storage*>(storage); }

static DataPtr held(const Storage& storage, Device device) {
  void* data = storage.mutable_data();
  if (device.is_cpu()) return {data, new Storage(storage), &free_storage, device};
  const int64_t bytes = (static_cast<int64_t>(storage.nbytes()) + 511) / 512 * 512;
  if (used + bytes > limit)
    C10_THROW_ERROR(OutOfMemoryError, c10::str("CUDA out of memory. Tried to allocate ", bytes));
  const int64_t now = used += bytes;
  for (int64_t most = peak; now > most && !peak.compare_exchange_weak(most, now);) {
  }
  return {data, new Block{storage, bytes}, &free_block, device};
}

struct ToyAllocator final : Allocator {
  DataPtr allocate(size_t bytes) override {
    auto storage = make_intrusive<StorageImpl>(
        StorageImpl::use_byte_size_t(), bytes, GetCPUAllocator(), true);
    return held(Storage(std::move(storage)), gpu());
  }
  DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};
static ToyAllocator allocator;

// The same numbers in the same memory, as a tensor of another device.
static at::Tensor as_device(const at::Tensor& tensor, Device device) {
  Allocator* own = device.is_cpu() ? GetCPUAllocator() : &allocator;
  auto storage = make_intrusive<StorageImpl>(StorageImpl::use_byte_size_t(),
      tensor.storage().nbytes(), held(tensor.storage(), device), own, true);
  auto key = device.is_cpu() ? DispatchKey::CPU : DispatchKey::CUDA;
  auto result = at::detail::make_tensor<TensorImpl>(
      Storage(std::move(storage)), DispatchKeySet(key), tensor.dtype());
  result.unsafeGetTensorImpl()->set_sizes_and_strides(
      tensor.sizes(), tensor.strides(), tensor.storage_offset());
  return result;
}

struct ToyGenerator final : GeneratorImpl {
  at::Generator inner = at::detail::createCPUGenerator();
  explicit ToyGenerator(DeviceIndex index)
      : GeneratorImpl(gpu(index), DispatchKeySet(DispatchKey::CUDA)) {}
  ToyGenerator(Device device, at::Generator inner)
      : GeneratorImpl(device, DispatchKeySet(DispatchKey::CUDA)), inner(std::move(inner)) {}
  void set_current_seed(uint64_t seed) override { inner.set_current_seed(seed); }
  void set_offset(uint64_t) override {}
  uint64_t get_offset() const override { return 0; }
  uint64_t current_seed() const override { return inner.current_seed(); }
  uint64_t seed() override { return inner.seed(); }
  void set_state(const TensorImpl& state) override {
    inner.unsafeGetGeneratorImpl()->set_state(state);
  }
  intrusive_ptr<TensorImpl> get_state() const override {
    return inner.unsafeGetGeneratorImpl()->get_state();
  }
  void graphsafe_set_state(const intrusive_ptr<GeneratorImpl>& state) override {
    inner = static_cast<ToyGenerator*>(state.get())->inner;
  }
  intrusive_ptr<GeneratorImpl> graphsafe_get_state() const override {
    return make_intrusive<ToyGenerator>(device(), inner);
  }
  ToyGenerator* clone_impl() const override { return new ToyGenerator(device(), inner.clone()); }
};

static at::Generator& default_generator(DeviceIndex index) {
  static std::vector<at::Generator> all = [] {
    std::vector<at::Generator> made;
    for (int i = 0; i < devices(); i++) made.push_back(at::make_generator<ToyGenerator>(i));
    return made;
  }();
  return all.at(index < 0 ? current : index);
}
static bool next_is_default = false;

struct Hooks final : at::CUDAHooksInterface {
  explicit Hooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  long versionCuDNN() const override { return 90000; }
  long versionRuntimeCuDNN() const { return 90000; }  // torch 2.14 asks for this one
  DeviceIndex current_device() const override { return current; }
  DeviceIndex getCurrentDevice() const override { return current; }
  DeviceIndex deviceCount() const override { return static_cast<DeviceIndex>(devices()); }
  int getNumGPUs() const override { return devices(); }
  void setCurrentDevice(DeviceIndex index) const override { current = index; }
  DeviceIndex exchangeDevice(DeviceIndex index) const override {
    return std::exchange(current, index);
  }
  DeviceIndex maybeExchangeDevice(DeviceIndex index) const override {
    return exchangeDevice(index);
  }
  Device getDeviceFromPtr(void*) const override { return gpu(); }
  Allocator* getPinnedMemoryAllocator() const override { return GetCPUAllocator(); }
  const at::Generator& getDefaultGenerator(DeviceIndex index) const override {
    return default_generator(index);
  }
  at::Generator getNewGenerator(DeviceIndex index) const override {
    if (std::exchange(next_is_default, false)) return default_generator(index);
    return at::make_generator<ToyGenerator>(index);
  }
};

struct Guard final : impl::NoOpDeviceGuardImpl<DeviceType::CUDA> {
  Device exchangeDevice(Device device) const override {
    return gpu(std::exchange(current, device.index() < 0 ? current : device.index()));
  }
  Device getDevice() const override { return gpu(); }
  void setDevice(Device device) const override { exchangeDevice(device); }
  void uncheckedSetDevice(Device device) const noexcept override { exchangeDevice(device); }
  Stream getStream(Device device) const noexcept override { return Stream(Stream::DEFAULT, device); }
  Stream getDefaultStream(Device device) const override { return Stream(Stream::DEFAULT, device); }
  Stream exchangeStream(Stream stream) const noexcept override { return stream; }
  DeviceIndex deviceCount() const noexcept override { return static_cast<DeviceIndex>(devices()); }
  void record(void**, const Stream&, DeviceIndex, EventFlag) const override {}
  void block(void*, const Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
};

static const bool hooked = [] {
  at::CUDAHooksRegistry()->Register("CUDAHooks",
      [](at::CUDAHooksArgs args) { return std::make_unique<Hooks>(args); }, REGISTRY_PREFERRED);
  return true;
}();
