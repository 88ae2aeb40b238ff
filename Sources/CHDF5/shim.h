#pragma once
#if !__has_include(<hdf5/serial/hdf5.h>)
#error "libhdf5 is missing: run tools/install-dependencies, or: apt-get install libhdf5-dev"
#endif
#include <hdf5/serial/hdf5.h>
