// Numbers in words.

const whole = new Intl.NumberFormat("en");

export function count(n) {
  return whole.format(n);
}

export function bytes(n) {
  return `${whole.format(n)} ${n === 1 ? "byte" : "bytes"}`;
}

export function megabytes(n) {
  return (n / 1e6).toFixed(1);
}

export function time(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

export function decibels(value) {
  return value === Infinity ? "exact" : `${value.toFixed(1)} dB`;
}

export function times(ratio) {
  return `${ratio >= 100 ? count(Math.round(ratio)) : ratio.toFixed(1)} ×`;
}

export function size({ height, width }) {
  return `${count(width)} × ${count(height)}`;
}
