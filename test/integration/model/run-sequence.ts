import type { MikroORM } from '@mikro-orm/postgresql';
import type { Manager } from './manager.js';
import { OPERATIONS } from './operations.js';
import { READS } from './reads.js';
import type { Sequence, Step } from './step.js';
import { Aborted, World } from './world.js';
import { WRITES } from './writes.js';
import { COLLECTION_WRITES } from './collection-writes.js';

class RolledBack extends Error {}

/**
 * Runs one sequence over an empty database.
 *
 * @throws the first difference between the database or memory and the model, with the step that showed it
 */
export async function runSequence(
  orm: MikroORM,
  query: (sql: string) => Promise<any[]>,
  { graph, steps }: Sequence,
): Promise<void> {
  await World.empty(query);
  const world = new World(orm, query);
  await world.start(graph);
  let current = 'start';
  const queue = steps.map((step, i) => ({ step, i }));
  try {
    while (queue.length > 0) {
      await runUntilEnd(world, queue, (name) => (current = name));
    }
    current = 'the end';
    for (const m of world.managers) {
      await world.settle(m);
      await m.em.flush();
      await world.compare();
    }
  } catch (error) {
    throw new Error(`${current}: ${(error as Error).message}`, { cause: error });
  }
}

type Queue = { step: Step; i: number }[];

/** Runs the steps of one transaction, or those outside of any. @returns whether the transaction is to be rolled back */
async function runUntilEnd(world: World, queue: Queue, tell: (name: string) => void, only?: Manager): Promise<boolean> {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { step, i } = next;
    const m = only ?? world.managers[Math.max(step.em - 2, 0) % 3]!;
    tell(`step ${i + 1}, ${step.op}:${step.em}.${step.a}.${step.b}.${step.c}`);
    if (step.op === 'begin') {
      if (world.transactions.length < 3) {
        await runTransaction(world, queue, tell, m, step.a % 2 === 0);
      }
    } else if (step.op === 'commit' || step.op === 'rollback') {
      if (only) {
        return step.op === 'rollback';
      }
    } else {
      await runStep(world, m, step);
    }
  }
  return false;
}

async function runTransaction(
  world: World,
  queue: Queue,
  tell: (name: string) => void,
  m: Manager,
  keep: boolean,
): Promise<void> {
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
  const transaction = { mixed: false };
  world.transactions.push(transaction);
  let broken: unknown;
  try {
    await outer.transactional(async (tx) => {
      m.em = tx as typeof outer;
      try {
        const rollback = await runUntilEnd(world, queue, tell, m);
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
    await (WRITES[op] ?? COLLECTION_WRITES[op] ?? OPERATIONS[op])!(world, m, step);
  }
}
