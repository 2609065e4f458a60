#include "../../../cpp/adapters/litert_c.cpp"
