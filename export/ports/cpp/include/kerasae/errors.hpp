// The errors of bundles and bitstreams; each message is one sentence for a person.
#pragma once

#include <stdexcept>

namespace kerasae {

/// A bundle is incomplete, damaged, or its manifest breaks a rule.
class BundleError : public std::runtime_error {
    using runtime_error::runtime_error;
};

/// A `.kae` file or stream could not be decoded.
class BitstreamError : public std::runtime_error {
    using runtime_error::runtime_error;
};

/// The bytes are damaged, truncated, or no kerasae bitstream at all.
class CorruptBitstreamError : public BitstreamError {
    using BitstreamError::BitstreamError;
};

/// The bytes are of a version of the format that this code does not read.
class BitstreamVersionError : public BitstreamError {
    using BitstreamError::BitstreamError;
};

/// The bytes were made with another bundle.
class BitstreamBundleError : public BitstreamError {
    using BitstreamError::BitstreamError;
};

/// The bytes are intact but ask for more than the reader allows.
class BitstreamLimitError : public BitstreamError {
    using BitstreamError::BitstreamError;
};

}  // namespace kerasae
