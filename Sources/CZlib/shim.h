#pragma once
#if !__has_include(<zlib.h>)
#error "zlib is missing: run tools/install-dependencies, or: apt-get install zlib1g-dev"
#endif
#include <zlib.h>
