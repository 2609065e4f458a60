package kerasae

/** The payload of blocks: classes of squares, and entropy-coded symbols (FORMAT.md, 4). */
internal class Payloads(private val layout: Layout, private val limits: Limits, private val codebook: Int) {
    fun pack(tables: Tables, symbols: IntArray, count: Int, height: Int, width: Int): ByteArray {
        val payload = ByteWriter()
        if (tables.classes == 1) {
            tables.encode(symbols, { 0 }, payload)
        } else {
            val groupOf = groupsOf(height, width)
            val groups = (count * layout.groupCount(height.toLong(), width.toLong())).toInt()
            val classes = tables.cheapestClasses(symbols, groups, groupOf)
            packBits(classes, classBits(tables.classes), payload)
            tables.encode(symbols, { classes[groupOf(it)].toInt() }, payload)
        }
        return payload.toByteArray()
    }

    fun unpack(tables: Tables, block: Block): IntArray {
        val height = block.height.toLong()
        val width = block.width.toLong()
        val rows = (block.count * layout.count(height, width) / tables.channels).toInt()
        val symbols = if (tables.classes == 1) {
            tables.decode(block.payload, rows, { 0 }, limits)
        } else {
            val groups = (block.count * layout.groupCount(height, width)).toInt()
            val bits = classBits(tables.classes)
            val classes = unpackBits(block.payload, groups, bits)
            if (classes.any { it >= tables.classes }) {
                throw CorruptBitstreamError("The payload names a class that does not exist.")
            }
            val rest = block.payload.part(ceilDiv(groups.toLong() * bits, 8).toInt())
            val groupOf = groupsOf(block.height, block.width)
            tables.decode(rest, rows, { classes[groupOf(it)].toInt() }, limits)
        }
        if (!areIndices(symbols)) throw CorruptBitstreamError("The payload holds a symbol that is no index.")
        return symbols
    }

    /** Whether symbols are within the codebook, if there is one: a decoder may do anything else. */
    fun areIndices(symbols: IntArray): Boolean = codebook == 0 || symbols.all { it in 0 until codebook }

    /** The square of each cell, cells of several images counted on; only cells of a grid have classes. */
    private fun groupsOf(height: Int, width: Int): ClassOf {
        val columns = layout.columns(width.toLong()).toInt()
        val cells = layout.rows(height.toLong()).toInt() * columns
        val across = ceilDiv(columns, layout.group)
        val each = layout.groupCount(height.toLong(), width.toLong()).toInt()
        val side = layout.group
        return ClassOf { cell ->
            val inside = cell % cells
            cell / cells * each + inside / columns / side * across + inside % columns / side
        }
    }
}

/** What goes between an image, its symbols and the tensors of a tile. */
internal class TileWork(private val layout: Layout, private val channels: Int, private val steps: DoubleArray) {
    fun putPixels(image: Image, row: TileSpan, column: TileSpan, to: Values) {
        var at = 0
        for (y in 0 until layout.tileHeight) for (x in 0 until layout.tileWidth) {
            // Beyond its edges the image goes on with its last row and column.
            val fromY = minOf(row.origin * layout.pitchY + y, image.height - 1)
            val fromX = minOf(column.origin * layout.pitchX + x, image.width - 1)
            val from = (fromY * image.width + fromX) * channels
            for (c in 0 until channels) to[at++] = (image.data[from + c].toInt() and 255) / 255.0
        }
    }

    fun takeSymbols(code: Values, row: TileSpan, column: TileSpan, width: Int, to: IntArray) {
        val columns = layout.columns(width.toLong()).toInt()
        for (y in row.start until row.stop) for (x in column.start until column.stop) {
            val from = ((y - row.origin) * layout.tileColumns + x - column.origin) * layout.depth
            val at = (y * columns + x) * layout.depth
            for (i in 0 until layout.depth) to[at + i] = symbolOf(code[from + i], steps[i % steps.size])
        }
    }

    fun putSymbols(coded: Coded, row: TileSpan, column: TileSpan, to: Values) {
        val rows = layout.rows(coded.height.toLong()).toInt()
        val columns = layout.columns(coded.width.toLong()).toInt()
        var at = 0
        for (y in 0 until layout.tileRows) for (x in 0 until layout.tileColumns) {
            // A code smaller than a tile goes on with its last cells.
            val fromY = minOf(row.origin + y, rows - 1)
            val fromX = minOf(column.origin + x, columns - 1)
            val from = (fromY * columns + fromX) * layout.depth
            for (i in 0 until layout.depth) to[at++] = coded.symbols[from + i] * steps[i % steps.size]
        }
    }

    fun takePixels(output: Values, row: TileSpan, column: TileSpan, to: Image) {
        val bottom = minOf(row.stop * layout.pitchY, to.height)
        val right = minOf(column.stop * layout.pitchX, to.width)
        for (y in row.start * layout.pitchY until bottom) for (x in column.start * layout.pitchX until right) {
            val fromY = y - row.origin * layout.pitchY
            val from = (fromY * layout.tileWidth + x - column.origin * layout.pitchX) * channels
            val at = (y * to.width + x) * channels
            for (c in 0 until channels) to.data[at + c] = output.pixel(from + c)
        }
    }
}
