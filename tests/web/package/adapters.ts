// The adapters take what the two libraries give, by their own types.

import * as litert from "@litertjs/core";
import * as ort from "onnxruntime-web";
import { loadTensorflowModel } from "react-native-fast-tflite";
import { Codec, type Manifest } from "kerasae";
import { fastTfliteRuns } from "kerasae/fast-tflite";
import { openOnnx } from "kerasae/onnx";
import { openModels, refuseWhatNoBrowserRuns } from "kerasae/litert";

export async function inBrowser(
  text: string,
  manifest: Manifest,
  files: Record<string, Uint8Array>,
): Promise<Codec> {
  refuseWhatNoBrowserRuns(text);
  await litert.loadLiteRt("/wasm/");
  return new Codec(manifest, await openModels(litert, manifest, files));
}

export async function onPhone(manifest: Manifest): Promise<Codec> {
  const encoder = await loadTensorflowModel({ url: "file://encoder.tflite" }, []);
  const decoder = await loadTensorflowModel({ url: "file://decoder.tflite" }, []);
  return new Codec(manifest, fastTfliteRuns(manifest, { encoder, decoder }));
}

export async function onlyDecoding(manifest: Manifest): Promise<Codec> {
  const decoder = await loadTensorflowModel({ url: "file://decoder.tflite" }, []);
  return new Codec(manifest, fastTfliteRuns(manifest, { decoder }));
}

export async function byOnnxRuntime(
  manifest: Manifest,
  files: Record<string, Uint8Array>,
): Promise<Codec> {
  const opened = await openOnnx(ort, manifest, files, { executionProviders: ["wasm"] });
  return new Codec(opened.manifest, opened);
}
