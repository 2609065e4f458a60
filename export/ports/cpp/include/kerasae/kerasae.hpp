// kerasae in C++17: bundles, `.kae` files and streams (FORMAT.md), without dependencies.
#pragma once

#include "bitstream.hpp"
#include "bundle.hpp"
#include "codec.hpp"
#include "entropy.hpp"
#include "errors.hpp"
#include "fields.hpp"
#include "hash.hpp"
#include "json.hpp"
#include "limits.hpp"
#include "manifest.hpp"
#include "span.hpp"
#include "spec.hpp"
#include "tiling.hpp"
#include "values.hpp"
#include "varint.hpp"
