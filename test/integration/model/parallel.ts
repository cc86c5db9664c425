import { at } from './changes.js';
import { type Kind, SOFT_KINDS } from './kinds.js';
import { outcomeOf } from './manager.js';
import { lives } from './neighbours.js';
import type { Operation } from './operations.js';
import { HOME_TENANT, type Outcome } from './row.js';
import type { Step } from './step.js';
import type { World } from './world.js';

const METHODS = ['softDelete', 'softDelete', 'restore', 'hardDelete'] as const;

interface Call {
  readonly kind: Kind;
  readonly method: (typeof METHODS)[number];
  readonly handle: number;
}

/** What the model makes of one call. */
function predict({ model }: World, { method, handle }: Call): Outcome {
  const targets = [handle].filter((each) => model.rows.get(each)?.tenant === HOME_TENANT);
  if (method === 'softDelete') {
    return model.softDelete(targets).outcome;
  }
  if (method === 'hardDelete') {
    return model.hardDelete(targets).outcome;
  }
  return model.restore(targets, false).conflicts.length > 0 ? 'conflict' : 'ok';
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  return items.length < 2
    ? [[...items]]
    : items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

export const PARALLEL: Partial<Record<Step['op'], Operation>> = {
  /** Starts operations at once in one transaction: what comes of them must come of them one after another as well. */
  async parallel(world, m, { a, b, c }) {
    if (!lives('parallel')) {
      return;
    }
    await world.settle(m);
    for (const other of world.managers) {
      await world.settle(other);
    }
    const rows = SOFT_KINDS.flatMap((kind) => world.model.every(kind));
    const calls = [a, b, c].flatMap((n, i): Call[] => {
      const row = at(rows, n);
      return row ? [{ kind: row.kind, method: at(METHODS, n + i)!, handle: row.handle }] : [];
    });
    const before = world.model.snapshot();
    let outcomes: Outcome[] = [];
    const run = async () => {
      const settled = await Promise.allSettled(
        calls.map(async ({ kind, method, handle }) => m.repository(kind)[method](world.rows.ids.get(handle) as never)),
      );
      outcomes = settled.map((result) => {
        const outcome = result.status === 'fulfilled' ? 'ok' : outcomeOf(result.reason);
        if (!outcome) {
          throw (result as PromiseRejectedResult).reason;
        }
        return outcome;
      });
    };
    const inTransaction = async () => {
      const outer = m.em;
      await outer.transactional(async (tx) => {
        m.em = tx as typeof outer;
        await run().finally(() => (m.em = outer));
      });
    };
    await (world.transactions.length > 0 ? run() : inTransaction());
    const names = calls.map(({ method, kind, handle }, i) => `${method} ${kind}#${handle}: ${outcomes[i]}`).join(', ');
    for (const order of permutations([...calls.keys()])) {
      world.model.reset(structuredClone(before));
      const matches = order.every((i) => predict(world, calls[i]!) === outcomes[i]);
      if (matches && (await world.matches(m))) {
        world.managers.forEach((each) => each.clear());
        return;
      }
    }
    throw new Error(`no order of the operations has these outcomes and rows: ${names}`);
  },

  /** Without the tenant, the application's filter throws, whatever is asked. */
  async withoutTenant(world, _m, { a, b }) {
    if (!lives('tenants') || world.transactions.length > 0) {
      return;
    }
    const kind = at(
      SOFT_KINDS.filter((each) => each !== 'cover'),
      a,
    )!;
    const row = at(world.model.every(kind), b);
    const key = row && world.rows.ids.get(row.handle);
    const repository = world.repositoryWithoutTenant(kind);
    const target: any = b % 2 === 0 || key === undefined ? {} : key;
    for (const method of ['find', 'softDelete', 'restore', 'hardDelete', 'nativeDelete'] as const) {
      const where = method === 'find' || method === 'nativeDelete' ? {} : target;
      const error = await (repository[method] as (target: any) => Promise<unknown>)(where).then(
        () => undefined,
        (reason: unknown) => reason as Error,
      );
      if (!/tenant/.test(error?.message ?? '')) {
        throw new Error(`${method} of ${kind} without a tenant ends with ${error?.message ?? 'no error'}`);
      }
    }
    await world.compare();
  },
};
