import fc from 'fast-check';
import { installSoftDelete } from 'nestjs-mikro-orm-soft-delete';
import { Orms } from './orms.js';
import { runSequence } from './run-sequence.js';
import { shrink } from './shrink.js';
import { formatSequence, parseSequence, type Sequence, sequences } from './step.js';

/*
 * Sequences of operations, drawn at random, run in the ORM and in a model of the contract; after each step the rows, read by raw
 * SQL, and memory must be what the model says. A sequence that fails is made as small as it can be and printed.
 *
 * A long run: MODEL_SEQUENCES=20000 MODEL_SEED=7 npm test -- test/integration/model/model.test.ts
 * The same run again: MODEL_SEED=… as printed. One sequence again: MODEL_REPLAY='…' as printed, several with a line each. One
 * sequence of a run, or some of them, as they were drawn: MODEL_ONLY=904,2565 beside the run's MODEL_SEQUENCES and MODEL_SEED.
 * Only some of what lives beside the package: MODEL_NEIGHBOURS=tenants,types, or none (`neighbours.ts` has the list). A failure
 * that goes away without a neighbour is about that neighbour.
 */
const count = Number(process.env['MODEL_SEQUENCES'] ?? 300);
/** A run that names no seed repeats itself, so that a red run is about the change it was made for. */
const DEFAULT_SEED = 2;
const seed = Number(process.env['MODEL_SEED'] ?? DEFAULT_SEED);
const replay = process.env['MODEL_REPLAY'];
const only = process.env['MODEL_ONLY']?.split(',').map(Number);
const STEPS = 30;
/** A long run goes on after a failure, so that it shows more than one, as does a replay. */
const MAX_FAILURES = count > 1_000 || replay ? 5 : 1;
/** After so many sequences a long run says how far it is. */
const REPORTED = 500;

describe(installSoftDelete.name, () => {
  let orms: Orms;

  beforeAll(async () => {
    orms = await Orms.create();
  });

  afterAll(() => orms.close());

  const failure = async (sequence: Sequence): Promise<Error | undefined> => {
    try {
      await runSequence(orms, sequence);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  };

  it(
    'behaves as the model does, whatever the sequence of operations',
    async () => {
      const all = (
        replay ? replay.trim().split('\n').map(parseSequence) : fc.sample(sequences(STEPS), { seed, numRuns: count })
      )
        // The stranger stays once it is in.
        .toSorted((a, b) => a.setting.stranger - b.setting.stranger);
      const failures: Error[] = [];
      for (const [i, sequence] of all.entries()) {
        if (i > 0 && i % REPORTED === 0) {
          process.stderr.write(`seed ${seed}: ${i} of ${all.length} sequences, ${failures.length} differ\n`);
        }
        const first = !only || only.includes(i + 1) ? await failure(sequence) : undefined;
        if (!first) {
          continue;
        }
        const smallest = await shrink(sequence, async (candidate) => (await failure(candidate)) !== undefined);
        // What depends on the clock may not happen again.
        const cause = (await failure(smallest)) ?? first;
        failures.push(
          new Error(`sequence ${i + 1}: ${cause.message}\nMODEL_REPLAY='${formatSequence(smallest)}'`, { cause }),
        );
        if (count > REPORTED) {
          process.stderr.write(`${failures.at(-1)!.message}\n`);
        }
        if (failures.length === MAX_FAILURES) {
          break;
        }
      }
      if (failures.length > 0) {
        const messages = failures.map(({ message }) => message).join('\n\n');
        throw new Error(`${messages}\n\nMODEL_SEED=${seed} MODEL_SEQUENCES=${count}`, { cause: failures[0] });
      }
    },
    30_000 + count * 2_000,
  );
});
