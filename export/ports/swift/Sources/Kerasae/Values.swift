// Pixels, values, levels and symbols (FORMAT.md, 2), in double precision.

/// What a model takes or gives: all values of its input or output, in the order of its shape.
public enum Tensor: Sendable, Equatable {
    /// Of a `uint8` edge.
    case levels([UInt8])
    /// Of a `float32` edge.
    case floats([Float])
    /// Of an `int32` edge.
    case indices([Int32])

    /// Whether it is of the type and size of an edge.
    public func fits(_ edge: Edge) -> Bool {
        switch self {
        case .levels(let data): return edge.dtype == .uint8 && data.count == edge.count
        case .floats(let data): return edge.dtype == .float32 && data.count == edge.count
        case .indices(let data): return edge.dtype == .int32 && data.count == edge.count
        }
    }
}

/// The steps of a quality, one for each channel of the code.
func stepsOf(_ quality: Quality) -> [Double] {
    quality.mantissas.map { Double(sign: .plus, exponent: quality.exponent, significand: Double($0)) }
}

/// The symbol of a code value.
func symbolOf(_ value: Double, _ step: Double) throws -> Int32 {
    if !value.isFinite {
        throw KerasaeError.model("The image made the encoder give a code that is not finite.")
    }
    let symbol = (value / step + 0.5).rounded(.down)
    return Int32(min(max(symbol, -2_147_483_648), 2_147_483_647))
}

extension Edge {
    /// A tensor of real values, or indices, for an input.
    func tensor(_ values: [Double]) -> Tensor {
        switch dtype {
        case .uint8:
            return .levels(values.map { value in
                let level = (value / scale + 0.5).rounded(.down) + Double(zeroPoint)
                return UInt8(min(max(level, 0), 255))
            })
        case .float32: return .floats(values.map { Float($0) })
        case .int32: return .indices(values.map { Int32($0) })
        }
    }

    /// The real values, or indices, that an output gives.
    func values(_ tensor: Tensor) -> [Double] {
        switch tensor {
        case .levels(let data): return data.map { Double(Int($0) - zeroPoint) * scale }
        case .floats(let data): return data.map { (Double($0) - Double(zeroPoint)) * scale }
        case .indices(let data): return data.map { Double($0) }
        }
    }

    /// The pixels that an output gives.
    func pixels(_ tensor: Tensor) -> [UInt8] {
        // A sigmoid's output has the fixed scale 1/256, with which no level would mean white.
        if case .levels(let data) = tensor, scale == 1.0 / 256 && zeroPoint == 0 { return data }
        return values(tensor).map { value in
            let pixel = (255 * value + 0.5).rounded(.down)
            return pixel.isNaN ? 0 : UInt8(min(max(pixel, 0), 255))
        }
    }
}
