#pragma once
#if !__has_include(<oneapi/dnnl/dnnl.h>)
#error "oneDNN is missing: run tools/install-dependencies, or: apt-get install libdnnl-dev"
#endif
#include <oneapi/dnnl/dnnl.h>
