// The adapters take what the two libraries give, by their own types.

import * as litert from "@litertjs/core";
import { loadTensorflowModel } from "react-native-fast-tflite";
import { Codec, type Manifest } from "kerasae";
import { fastTfliteRuns } from "kerasae/fast-tflite";
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
