import type { Manifest, Run } from "./index.js";

/** What is used of a tensor of ONNX Runtime. */
export interface OnnxTensor {
  readonly type: string;
  readonly data: unknown;
}

/** What is used of a session of ONNX Runtime. */
export interface OnnxSession<Tensor> {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(inputs: Record<string, Tensor>): Promise<Record<string, OnnxTensor>>;
}

/** What is used of the module: `onnxruntime-web`, `onnxruntime-node`, `onnxruntime-react-native`. */
export interface OnnxRuntime<Tensor extends OnnxTensor, Options> {
  readonly InferenceSession: {
    create(content: Uint8Array, options?: Options): Promise<OnnxSession<Tensor>>;
  };
  readonly Tensor: new (type: never, values: never, shape: readonly number[]) => Tensor;
}

/**
 * Load the ONNX models of a bundle that was exported with `also="onnx"`.
 *
 * @param ort the module
 * @param files the contents, after `verifyFiles`
 * @param options of `InferenceSession.create`, such as `executionProviders`
 * @returns what `Codec` takes: `new Codec(opened.manifest, opened)`
 * @throws {BundleError} if the bundle has no ONNX files, or they cannot be loaded
 */
export function openOnnx<Tensor extends OnnxTensor, Options>(
  ort: OnnxRuntime<Tensor, Options>,
  manifest: Manifest,
  files: Record<string, Uint8Array>,
  options?: Options,
): Promise<{ manifest: Manifest; encoder: Run; decoder: Run }>;
