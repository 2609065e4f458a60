// How an image of any size is cut into tiles that a model of fixed size can take (FORMAT.md, 3).

/// A product of numbers that are not negative, which stays at the largest one where it would be larger.
func product(_ factors: Int...) -> Int {
    factors.reduce(1) { a, b in
        let (result, over) = a.multipliedReportingOverflow(by: b)
        return over ? .max : result
    }
}

/// The sum of numbers that stays at the largest one, too.
func sum(_ terms: Int...) -> Int {
    terms.reduce(0) { a, b in
        let (result, over) = a.addingReportingOverflow(b)
        return over ? .max : result
    }
}

func ceilDiv(_ a: Int, _ b: Int) -> Int { a / b + (a % b != 0 ? 1 : 0) }

func floorDiv(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((b - 1 - a) / b) }

/// A tile along one axis, in cells: where it starts, and the cells that are taken from it.
struct TileSpan: Equatable {
    var origin: Int
    var start = 0
    var stop = 0
}

/// Cover an axis of `cells` cells with tiles of `tile` cells, each trusted `margin` cells inside.
func spans(_ cells: Int, _ tile: Int, _ margin: Int) -> [TileSpan] {
    let last = max(0, cells - tile)
    var found = stride(from: 0, to: last, by: tile - 2 * margin).map { TileSpan(origin: $0) }
    found.append(TileSpan(origin: last, stop: cells))
    for i in 1..<max(1, found.count) {
        let joint = (found[i - 1].origin + found[i].origin + tile) / 2
        (found[i - 1].stop, found[i].start) = (joint, joint)
    }
    return found
}

/// Cells, tiles and groups of images, as they follow from a bundle's codec part.
struct Layout: Sendable {
    let tileHeight: Int  // pixels
    let tileWidth: Int
    let tileRows: Int  // cells
    let tileColumns: Int
    let pitchY: Int  // pixels of a cell
    let pitchX: Int
    let depth: Int  // symbols of a cell
    let margin: Int
    let group: Int

    init(_ spec: CodecSpec) {
        let grid = spec.layout == .grid
        tileHeight = spec.tileHeight
        tileWidth = spec.tileWidth
        tileRows = grid ? spec.codeShape[0] : 1
        tileColumns = grid ? spec.codeShape[1] : 1
        pitchY = grid ? spec.stride : spec.tileHeight
        pitchX = grid ? spec.stride : spec.tileWidth
        depth = spec.codeShape.dropFirst(grid ? 2 : 0).reduce(1, *)
        margin = spec.margin
        group = spec.group
    }

    func rows(_ height: Int) -> Int { ceilDiv(height, pitchY) }
    func columns(_ width: Int) -> Int { ceilDiv(width, pitchX) }

    /// Number of symbols of an image.
    func count(_ height: Int, _ width: Int) -> Int { product(rows(height), columns(width), depth) }

    func rowSpans(_ height: Int) -> [TileSpan] { spans(rows(height), tileRows, margin) }
    func columnSpans(_ width: Int) -> [TileSpan] { spans(columns(width), tileColumns, margin) }

    /// Runs of the decoder, one for each tile of an image.
    func runs(_ height: Int, _ width: Int) -> Int {
        func along(_ n: Int, _ t: Int) -> Int { ceilDiv(max(0, n - t), t - 2 * margin) + 1 }
        return product(along(rows(height), tileRows), along(columns(width), tileColumns))
    }

    /// Number of squares of cells in an image, each of which has a class.
    func groupCount(_ height: Int, _ width: Int) -> Int {
        product(ceilDiv(rows(height), group), ceilDiv(columns(width), group))
    }
}
