# Hashes with a Python extension for some seconds: randomx-loop.py randomx|cyrx SECONDS
import sys
import time

until = time.time() + float(sys.argv[2])
data = b"x"
if sys.argv[1] == "randomx":
    import randomx

    vm = randomx.RandomX(b"probe")
    while time.time() < until:
        data = vm(data)
else:
    import cyrx

    flags = cyrx.get_flags()
    cache = cyrx.Cache(flags)
    cache.init(b"probe")
    vm = cyrx.VM(flags, cache)
    hash_of = getattr(vm, "calculate_hash", None) or vm.hash
    while time.time() < until:
        data = hash_of(data)
