import type { Manager } from './manager.js';
import { NEIGHBOUR_WRITES } from './neighbour-writes.js';
import { OPERATIONS } from './operations.js';
import type { Orms } from './orms.js';
import { PARALLEL } from './parallel.js';
import { READS } from './reads.js';
import { NEIGHBOUR_EM, type Sequence, type Step } from './step.js';
import { Aborted, World } from './world.js';
import { WRITES } from './writes.js';
import { COLLECTION_WRITES } from './collection-writes.js';

class RolledBack extends Error {}

/**
 * Runs one sequence over empty databases.
 *
 * @throws the first difference between a database or memory and its model, with the step that showed it
 */
export async function runSequence(orms: Orms, { setting, graph, steps }: Sequence): Promise<void> {
  if (setting.stranger) {
    await orms.letStrangerIn();
  }
  const { installed } = orms;
  const home = await World.create(installed[setting.home] ?? installed[0], graph);
  const other = installed.length > 1 ? installed[1 - setting.home] : undefined;
  const neighbour = other ? await World.create(other, graph) : home;
  let current = 'start';
  const run = {
    home,
    neighbour,
    queue: steps.map((step, i) => ({ step, i })),
    tell: (name: string) => (current = name),
  };
  try {
    while (run.queue.length > 0) {
      await runUntilEnd(run);
    }
    for (const world of new Set([home, neighbour])) {
      current = world === home ? 'the end' : 'the end, in the other ORM';
      for (const m of world.managers) {
        await world.settle(m);
        await m.em.flush();
      }
      await world.compare();
    }
  } catch (error) {
    throw new Error(`${current}: ${(error as Error).message}`, { cause: error });
  }
}

/** A sequence under way: the world of its own, that of the other ORM, and the steps that are left. */
interface Run {
  readonly home: World;
  readonly neighbour: World;
  readonly queue: { step: Step; i: number }[];
  tell(name: string): void;
}

/** Runs the steps of one transaction, or those outside of any. @returns whether the transaction is to be rolled back */
async function runUntilEnd(run: Run, inTransaction = false): Promise<boolean> {
  for (let next = run.queue.shift(); next; next = run.queue.shift()) {
    const { step, i } = next;
    const world = step.em === NEIGHBOUR_EM ? run.neighbour : run.home;
    const m = world.transactions.at(-1)?.manager ?? world.managers[Math.max(step.em - 2, 0) % 3]!;
    run.tell(`step ${i + 1}, ${step.op}:${step.em}.${step.a}.${step.b}.${step.c}`);
    if (step.op === 'begin') {
      if (world.transactions.length < 3 && (!inTransaction || world.transactions.length > 0)) {
        await runTransaction(run, world, m, step.a % 2 === 0);
      }
    } else if (step.op === 'commit' || step.op === 'rollback') {
      if (inTransaction) {
        return step.op === 'rollback';
      }
    } else {
      await runStep(world, m, step);
    }
  }
  return false;
}

async function runTransaction(run: Run, world: World, m: Manager, keep: boolean): Promise<void> {
  await world.settle(m);
  for (const other of world.transactions.length === 0 ? world.managers : []) {
    await world.settle(other);
  }
  // In a transaction within a transaction, the collections of entities that are there already still talk to the outer one.
  if (!keep || world.transactions.length > 0) {
    m.clear();
  }
  const outer = m.em;
  const isEmpty = outer.getUnitOfWork().getIdentityMap().values().length === 0;
  const before = world.model.snapshot();
  const knows = { foreign: m.foreign, collections: new Map(m.collections), stale: new Set(m.stale) };
  const versions = new Map(world.rows.versions);
  const transaction = { manager: m, mixed: false };
  world.transactions.push(transaction);
  let broken: unknown;
  try {
    await outer.transactional(async (tx) => {
      m.em = tx as typeof outer;
      try {
        const rollback = await runUntilEnd(run, true);
        await world.settle(m);
        if (rollback) {
          throw new RolledBack();
        }
      } catch (error) {
        broken = error;
        throw error;
      }
    });
  } catch (error) {
    if (!(broken instanceof RolledBack || broken instanceof Aborted)) {
      throw error;
    }
  } finally {
    m.em = outer;
    world.transactions.pop();
  }
  if (!broken) {
    if (transaction.mixed && world.transactions.length > 0) {
      world.transactions.at(-1)!.mixed = true;
    }
    // The flush that ends a transaction writes once more what was read again in it, and the rows have not been compared since.
    m.expectRewrites();
    // The ORM merges what the transaction loaded into a manager that was not empty as copies, of which its collections hold two.
    if (!isEmpty) {
      m.clear();
    }
    await world.compare(m);
    m.checkMemory();
    return;
  }
  world.model.reset(before);
  world.rows.versions.clear();
  versions.forEach((version, handle) => world.rows.versions.set(handle, version));
  if (transaction.mixed || broken instanceof Aborted) {
    m.clear();
  } else {
    m.flushed();
    m.collections.clear();
    m.foreign = knows.foreign;
    m.stale.clear();
    knows.stale.forEach((handle) => m.stale.add(handle));
  }
  await world.compare(m);
  m.checkMemory();
}

async function runStep(world: World, m: Manager, step: Step): Promise<void> {
  const { op } = step;
  if (op === 'flush') {
    await world.settleOthers(m);
    await world.flush(m);
  } else if (op === 'fresh') {
    await world.settle(m);
    if (world.transactions.length === 0) {
      m.clear();
    }
  } else if (READS[op]) {
    await world.settle(m);
    await READS[op](world, m, step);
  } else {
    await (WRITES[op] ?? COLLECTION_WRITES[op] ?? NEIGHBOUR_WRITES[op] ?? OPERATIONS[op] ?? PARALLEL[op])!(
      world,
      m,
      step,
    );
  }
}
