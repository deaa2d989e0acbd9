"""A library of the NVIDIA driver made by hand, as the text of a module."""

DRIVER = '''
"""Three GPUs: the second in MIG mode with one slice, which not everyone may ask about."""
class NVMLError(Exception): pass
class Memory:
    def __init__(self, used, total): self.used, self.free, self.total = used, total - used, total
class Process:
    pid, usedGpuMemory = 7, 300
GPUS = {0: ("GPU-1a2b", "NVIDIA Slow", Memory(100, 1000)), 1: ("GPU-1a9f", "NVIDIA Cut", Memory(0, 4000)),
        2: ("GPU-77c0", "NVIDIA Fast", Memory(600, 2000)), "slice": ("MIG-aaaa", "NVIDIA Cut MIG 1g", Memory(50, 500))}
def nvmlInit(): pass
def nvmlDeviceGetCount(): return 3
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetUUID(handle): return GPUS[handle][0]
def nvmlDeviceGetName(handle): return GPUS[handle][1].encode()
def nvmlDeviceGetMemoryInfo(handle): return GPUS[handle][2]
def nvmlDeviceGetMaxMigDeviceCount(handle): return 7
def nvmlDeviceGetMigMode(handle):
    if handle == 0: raise NVMLError("Not Supported")
    return int(handle == 1), 0
def nvmlDeviceGetMigDeviceHandleByIndex(handle, number):
    if number != 3: raise NVMLError("Not Found")
    return "slice"
def nvmlDeviceGetComputeRunningProcesses(handle):
    if handle == "slice": raise NVMLError("Insufficient Permissions")
    return [Process] if handle == 2 else []
'''
