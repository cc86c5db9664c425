import type { Graph, Sequence } from './step.js';

/** The smallest sequence that still fails, found by leaving things out: steps first, then rows of the graph. */
export async function shrink(sequence: Sequence, fails: (candidate: Sequence) => Promise<boolean>): Promise<Sequence> {
  let best = sequence;
  const tryOut = async (candidate: Sequence): Promise<boolean> => {
    const worse = await fails(candidate);
    if (worse) {
      best = candidate;
    }
    return worse;
  };
  for (let before = ''; before !== JSON.stringify(best);) {
    before = JSON.stringify(best);
    for (let size = Math.max(best.steps.length >> 1, 1); ; size >>= 1) {
      for (let i = best.steps.length - size; i >= 0; i -= size) {
        await tryOut({ ...best, steps: best.steps.toSpliced(i, size) });
      }
      if (size <= 1) {
        break;
      }
    }
    // The stranger stays once it is in.
    await tryOut({ ...best, setting: { ...best.setting, home: 0 } });
    for (const kind of Object.keys(best.graph) as (keyof Graph)[]) {
      for (let i = best.graph[kind].length - 1; i >= 0; i--) {
        await tryOut({ ...best, graph: { ...best.graph, [kind]: best.graph[kind].toSpliced(i, 1) } });
      }
    }
  }
  return best;
}
