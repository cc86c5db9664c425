import type { PurgeProgress } from '../purge/purge-run-options.js';
import type { CliContext } from './cli-context.js';

/** Shows how far a purge has come. @internal */
export interface Progress {
  update(step: PurgeProgress): void;
  /** @param isComplete - whether nothing is left, so that the bar is full */
  end(isComplete: boolean): void;
}

/** How often a line is printed where nobody watches a bar. */
const INTERVAL = 1_000;

/**
 * A bar on a terminal, a line of JSON per second with `--json`, and nothing where the output goes to a file.
 *
 * @param countRows - what full means; is only asked for a bar
 * @internal
 */
export async function createProgress(
  { json, print }: CliContext,
  countRows: () => Promise<number>,
): Promise<Progress | undefined> {
  if (json) {
    let printedAt = -Infinity;
    return {
      update: (step) => {
        if (performance.now() - printedAt >= INTERVAL) {
          printedAt = performance.now();
          print({ type: 'progress', ...step });
        }
      },
      end: () => undefined,
    };
  }
  if (!process.stderr.isTTY) {
    return undefined;
  }
  const { SingleBar, Presets } = (await import('cli-progress')).default;
  const bar = new SingleBar(
    { format: '{entity} {bar} {percentage}% | {value}/{total} rows | {eta_formatted} left', clearOnComplete: true },
    Presets.shades_classic,
  );
  const total = await countRows();
  bar.start(total, 0, { entity: '' });
  return {
    update: ({ entity, total: removed }) => bar.update(Math.min(removed, total), { entity }),
    end: (isComplete) => {
      if (isComplete) {
        bar.update(total);
      }
      bar.stop();
    },
  };
}
