#include "../../../../cpp/adapters/litert_c.h"
