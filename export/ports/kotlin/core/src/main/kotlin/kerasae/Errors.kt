package kerasae

/** What can be wrong with what was received; each message is one sentence for a person. */
sealed class KerasaeError(message: String) : Exception(message)

/** A bundle is incomplete, damaged, or its manifest breaks a rule; or `family.json` does. */
class BundleError(message: String) : KerasaeError(message)

/** A `.kae` file or stream could not be decoded. */
sealed class BitstreamError(message: String) : KerasaeError(message)

/** The bytes are damaged, truncated, or no kerasae bitstream at all. */
class CorruptBitstreamError(message: String) : BitstreamError(message)

/** The bytes are of a version of the format that this code does not read. */
class BitstreamVersionError(message: String) : BitstreamError(message)

/** The bytes were made with another bundle, or another family. */
class BitstreamBundleError(message: String) : BitstreamError(message)

/** The bytes are intact but ask for more than the reader allows. */
class BitstreamLimitError(message: String) : BitstreamError(message)

/** A stream of many images where a single one is expected, or the other way round. */
class BitstreamKindError(message: String) : BitstreamError(message)
