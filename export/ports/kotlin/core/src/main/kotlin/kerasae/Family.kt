package kerasae

// `family.json`, the integer tables of version 2 (FORMAT.md, 9). It is untrusted input: every field is
// checked, errors name the field.

internal const val CELL_SIDE = 16 // pixels along each side of a cell
internal const val CELL_AREA = CELL_SIDE * CELL_SIDE
internal const val PLANES = 3
internal const val PHOTO_CHANNELS = PLANES * CELL_AREA
internal const val PHOTO_CONTEXTS = 10
internal const val PHOTO_BUCKETS = 8
internal const val PHOTO_QUALITIES = 100
private const val MAX_FAMILY_BYTES = 4 shl 20

/** A table of version 2, ready to code with. */
internal class PhotoTable(val offset: Int, val frequencies: IntArray, val rebuild: DoubleArray) {
    val escape = frequencies.size - 1
    val starts = IntArray(frequencies.size)
    val slots = ShortArray(TOTAL) // the entry of each slot

    init {
        var start = 0
        frequencies.forEachIndexed { j, frequency ->
            starts[j] = start
            slots.fill(j.toShort(), start, start + frequency)
            start += frequency
        }
    }

    /** The entry of a symbol: the escape's where it has none of its own. */
    fun entryOf(symbol: Int): Int {
        val entry = symbol - offset
        return if (entry in 0 until escape) entry else escape
    }
}

/** What all files of a family share: the content of `family.json`; see [Family.parse]. */
class Family private constructor(internal val hash: ByteArray, fields: Fields) {
    internal val steps: IntArray // in 64ths of a level of 255
    internal val tables: List<PhotoTable>
    internal val levels: ByteArray // for each level the table of each context
    internal val classes: ByteArray // for each class the level of each channel
    internal val count: Int // of classes
    internal val costs: IntArray // for each level that of each bucket
    internal val groups: IntArray
    internal val neighbours: Int
    internal val bands: Int
    internal val classEnds: ShortArray // for each class table where each class ends
    internal val colour: Matrix
    internal val block: Matrix
    internal val overlap: Matrix

    init {
        fields.only(
            "format", "format_version", "colour", "block", "overlap", "steps", "classes", "levels", "costs",
            "tables", "groups", "neighbours", "bands", "class_frequencies",
        )
        if (fields.text("format") != "kerasae-family") fields.fail("format", "`kerasae-family`")
        fields.int("format_version", 2..2)
        steps = fields.ints("steps", 1..(1 shl 20), PHOTO_QUALITIES..PHOTO_QUALITIES)
        for (i in 1 until steps.size) if (steps[i] >= steps[i - 1]) fields.fail("steps", "falling")
        tables = fields.each("tables", 1..64).map(::readPhotoTable).toList()
        levels = readBase64(fields, "levels", PHOTO_CONTEXTS)
        val rows = levels.size / PHOTO_CONTEXTS
        if (rows !in 2..65 || levels.any { it.toInt() and 255 >= tables.size }) {
            fields.fail("levels", "2 to 65 rows of tables")
        }
        classes = readBase64(fields, "classes", PHOTO_CHANNELS)
        count = classes.size / PHOTO_CHANNELS
        val good = count <= 64 && classes.indices.all {
            val level = classes[it].toInt() and 255
            level < rows && (level > 0 || it % CELL_AREA != 0)
        }
        if (!good) fields.fail("classes", "1 to 64 rows of levels, not 0 for lowest coefficients")
        costs = fields.ints("costs", 0..(1 shl 13), rows * PHOTO_BUCKETS..rows * PHOTO_BUCKETS)
        neighbours = fields.int("neighbours", 1..64)
        bands = fields.int("bands", 1..PHOTO_QUALITIES)
        groups = fields.ints("groups", 0..neighbours - 1, count..count)
        classEnds = readClassEnds(fields, count, bands * (neighbours + 1) * (neighbours + 1))
        colour = Matrix(fields.ints("colour", MATRIX_VALUES, 9..9), PLANES)
        block = Matrix(fields.ints("block", MATRIX_VALUES, CELL_AREA..CELL_AREA), CELL_SIDE)
        overlap = Matrix(fields.ints("overlap", MATRIX_VALUES, CELL_AREA..CELL_AREA), CELL_SIDE)
        val oneWay = block.gain * if (overlap.gain < 1) 1.0 else overlap.gain
        if (!(colour.gain * oneWay * oneWay <= 2048)) {
            fields.fail("block", "invertible, as are `colour` and `overlap`")
        }
    }

    /** Four hexadecimal digits, by which files name it. */
    val id get() = hex(hash, 2)

    /** The table of the class of a cell, by its left and its upper neighbour: its first row in `classEnds`. */
    internal fun classRow(cells: ByteArray, cell: Int, columns: Int, quality: Int): Int {
        val left = if (cell % columns > 0) groups[cells[cell - 1].toInt()] else neighbours
        val above = if (cell >= columns) groups[cells[cell - columns].toInt()] else neighbours
        val band = (quality - 1) * bands / PHOTO_QUALITIES
        return ((band * (neighbours + 1) + left) * (neighbours + 1) + above) * count
    }

    /** How many symbols cells of these classes code. */
    internal fun countCoded(cells: ByteArray): Long {
        val coded = IntArray(count)
        for (i in classes.indices) if (classes[i] > 0) coded[i / PHOTO_CHANNELS]++
        return cells.sumOf { coded[it.toInt()].toLong() }
    }

    companion object {
        private val MATRIX_VALUES = -(1 shl 17)..(1 shl 17)

        /**
         * Parse and check the content of `family.json`.
         *
         * @throws BundleError if a field breaks its rule
         */
        fun parse(content: ByteArray): Family =
            Family(sha256(content), fieldsOf(content, "family.json", MAX_FAMILY_BYTES))
    }
}

private fun readPhotoTable(fields: Fields): PhotoTable {
    fields.only("frequencies", "offset", "rebuild")
    val offset = fields.int("offset", -32767..32767)
    val frequencies = fields.ints("frequencies", 1..TOTAL, 2..MAX_ENTRIES)
    if (frequencies.sum() != TOTAL) fields.fail("frequencies", "of the sum $TOTAL")
    if (offset + frequencies.size - 1 > 1 shl 15) fields.fail("offset", "such that symbols fit in 16 bits")
    val rebuild = fields.ints("rebuild", -256..256, 2..2)
    return PhotoTable(offset, frequencies, DoubleArray(2) { rebuild[it] / 256.0 })
}

private const val DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** Rows of `width` bytes each, which are written in base64. */
private fun readBase64(fields: Fields, name: String, width: Int): ByteArray {
    val text = fields.text(name)
    var length = text.length
    repeat(2) { if (length > 0 && text[length - 1] == '=') length-- }
    val bytes = ByteArray(if (text.length % 4 == 0) length * 6 / 8 else 0)
    var bits = 0
    var at = 0
    for (i in 0 until if (bytes.isEmpty()) 0 else length) {
        val digit = DIGITS.indexOf(text[i])
        if (digit < 0) fields.fail(name, "base64")
        bits = bits shl 6 or digit
        if (i % 4 != 0) bytes[at++] = (bits shr 6 - 2 * (i % 4)).toByte()
    }
    if (bytes.isEmpty() || bytes.size % width != 0) fields.fail(name, "base64 of rows of $width bytes")
    return bytes
}

private fun readClassEnds(fields: Fields, count: Int, rows: Int): ShortArray {
    if (rows > 1 shl 14) fields.fail("bands", "such that there are at most 16384 class tables")
    val bytes = readBase64(fields, "class_frequencies", 2 * count)
    val rule = "$rows rows of positive numbers of sum 4096"
    if (bytes.size != 2 * count * rows) fields.fail("class_frequencies", rule)
    val ends = ShortArray(count * rows)
    for (row in 0 until rows) {
        var end = 0
        for (i in row * count until (row + 1) * count) {
            val frequency = (bytes[2 * i].toInt() and 255) or (bytes[2 * i + 1].toInt() and 255 shl 8)
            end += frequency
            if (frequency == 0 || end > TOTAL) fields.fail("class_frequencies", rule)
            ends[i] = end.toShort()
        }
        if (end != TOTAL) fields.fail("class_frequencies", rule)
    }
    return ends
}
