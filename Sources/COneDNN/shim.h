#pragma once
#if !__has_include(<dnnl.h>)
#error "oneDNN is missing: run tools/install-dependencies, or: apt-get install libdnnl-dev"
#endif
#include <dnnl.h>
