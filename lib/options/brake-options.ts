import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { refuseUnknownOptions } from './refuse-unknown-options.js';

/**
 * When a purge skips an entity because far more of its rows are due than usual, as after a mistyped retention or a migration that deleted
 * by mistake.
 *
 * @publicApi
 */
export interface PurgeBrakeOptions {
  /**
   * How many times the median of the recorded runs may be due, once ten runs are recorded.
   *
   * @default 5
   */
  factor?: number;
  /**
   * The brake never stops this many due rows or fewer.
   *
   * @default 1000
   */
  atLeast?: number;
  /**
   * The share of the table's rows that may be due, above 0 and up to 1, while fewer than ten runs are recorded or nothing is.
   *
   * @default 0.5
   */
  share?: number;
}

/** @internal */
export type ResolvedBrakeOptions = Readonly<Required<PurgeBrakeOptions>>;

const DEFAULTS: ResolvedBrakeOptions = { factor: 5, atLeast: 1_000, share: 0.5 };

const RULES: Readonly<Record<keyof PurgeBrakeOptions, readonly [(value: number) => boolean, string]>> = {
  factor: [(value) => value >= 1, 'a number from 1 on'],
  atLeast: [(value) => Number.isInteger(value) && value >= 0, 'a whole number of rows'],
  share: [(value) => value > 0 && value <= 1, 'a number above 0, up to 1'],
};

/**
 * @throws SoftDeleteConfigError if an option cannot work
 * @internal
 */
export function resolveBrake(options: PurgeBrakeOptions | false = {}): ResolvedBrakeOptions | false {
  if (options === false) {
    return false;
  }
  refuseUnknownOptions('purge.brake', options, Object.keys(DEFAULTS), 'purge.brake.');
  for (const [name, [isRight, description]] of Object.entries(RULES)) {
    const value = options[name as keyof PurgeBrakeOptions];
    if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value) || !isRight(value))) {
      throw new SoftDeleteConfigError(
        `purge.brake.${name}`,
        `${showValue(value)} cannot be its limit.`,
        `Write ${description}, or leave it out; brake: false turns the brake off.`,
      );
    }
  }
  const { factor = DEFAULTS.factor, atLeast = DEFAULTS.atLeast, share = DEFAULTS.share } = options;
  return { factor, atLeast, share };
}
