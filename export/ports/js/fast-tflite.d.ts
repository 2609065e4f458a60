import type { Manifest, Run } from "./index.js";

/** What is used of a model of react-native-fast-tflite 3. */
export interface FastTfliteModel {
  readonly inputs: { dataType: string; shape: number[] }[];
  readonly outputs: { dataType: string; shape: number[] }[];
  run(input: ArrayBuffer[]): Promise<ArrayBuffer[]>;
}

/**
 * What `Codec` takes as `encoder` and `decoder`, for models that `loadTensorflowModel` gave.
 *
 * @throws {BundleError} if a model's edges are not those of the manifest
 */
export function fastTfliteRuns<Models extends { encoder?: FastTfliteModel; decoder?: FastTfliteModel }>(
  manifest: Manifest,
  models: Models,
): { [Side in keyof Models]: Run };
