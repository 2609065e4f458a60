package kerasae

// How an image of any size is cut into tiles that a model of fixed size can take (FORMAT.md, 3).

/** A product of numbers that are not negative, which stays at the largest Long where it would be larger. */
internal fun product(vararg factors: Long): Long = factors.fold(1L) { a, b ->
    if (b != 0L && a > Long.MAX_VALUE / b) Long.MAX_VALUE else a * b
}

/** The sum of numbers that stays at the largest one, too. */
internal fun sum(a: Long, b: Long): Long = if (a > Long.MAX_VALUE - b) Long.MAX_VALUE else a + b

internal fun ceilDiv(a: Long, b: Long): Long = a / b + if (a % b != 0L) 1 else 0

internal fun ceilDiv(a: Int, b: Int): Int = ceilDiv(a.toLong(), b.toLong()).toInt()

/** A tile along one axis, in cells: where it starts, and the cells that are taken from it. */
internal data class TileSpan(val origin: Int, val start: Int, val stop: Int)

/** Cover an axis of `cells` cells with tiles of `tile` cells, each trusted `margin` cells inside. */
internal fun spans(cells: Int, tile: Int, margin: Int): List<TileSpan> {
    val last = maxOf(0, cells - tile)
    val origins = (0 until last step tile - 2 * margin).toList() + last
    val joints = origins.zipWithNext { a, b -> ((a.toLong() + b + tile) / 2).toInt() }
    return origins.mapIndexed { i, origin ->
        TileSpan(origin, joints.getOrElse(i - 1) { 0 }, joints.getOrElse(i) { cells })
    }
}

/** Cells, tiles and groups of images, as they follow from a bundle's codec part. */
internal class Layout(spec: CodecSpec) {
    private val grid = spec.layout == LayoutKind.GRID
    val tileHeight = spec.tileHeight // pixels
    val tileWidth = spec.tileWidth
    val tileRows = if (grid) spec.codeShape[0] else 1 // cells
    val tileColumns = if (grid) spec.codeShape[1] else 1
    val pitchY = if (grid) spec.stride else tileHeight // pixels of a cell
    val pitchX = if (grid) spec.stride else tileWidth
    val depth = spec.codeShape.drop(if (grid) 2 else 0).fold(1) { a, b -> a * b } // symbols of a cell
    val margin = spec.margin
    val group = spec.group

    fun rows(height: Long): Long = ceilDiv(height, pitchY.toLong())

    fun columns(width: Long): Long = ceilDiv(width, pitchX.toLong())

    /** Number of symbols of an image. */
    fun count(height: Long, width: Long): Long = product(rows(height), columns(width), depth.toLong())

    fun rowSpans(height: Int) = spans(rows(height.toLong()).toInt(), tileRows, margin)

    fun columnSpans(width: Int) = spans(columns(width.toLong()).toInt(), tileColumns, margin)

    /** Runs of the decoder, one for each tile of an image. */
    fun runs(height: Long, width: Long): Long {
        fun along(n: Long, t: Int) = ceilDiv(maxOf(0, n - t), t - 2L * margin) + 1
        return product(along(rows(height), tileRows), along(columns(width), tileColumns))
    }

    /** Number of squares of cells in an image, each of which has a class. */
    fun groupCount(height: Long, width: Long): Long =
        product(ceilDiv(rows(height), group.toLong()), ceilDiv(columns(width), group.toLong()))
}
