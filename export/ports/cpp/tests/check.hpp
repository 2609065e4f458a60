// The least that a test needs: checks that say where they failed, and a count.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace check {

inline int done = 0;

inline void that(bool good, const std::string& what) {
    ++done;
    if (good) return;
    std::fprintf(stderr, "FAILED: %s\n", what.c_str());
    std::exit(1);
}

/// Whether a call throws exactly this class of error, none derived from it.
template <class Error, class Call>
bool throws(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return typeid(error) == typeid(Error);
    } catch (...) {
        return false;
    }
    return false;
}

}  // namespace check
