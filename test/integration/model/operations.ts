import { at } from './changes.js';
import { type DeletionResult, RestoreConflictError, type RestoreResult } from 'nestjs-mikro-orm-soft-delete';
import { type Kind, SOFT_KINDS } from './kinds.js';
import { CLASSES, type Manager } from './manager.js';
import { type Conflict, HOME_TENANT, type Row, uniqueValue } from './row.js';
import type { Key } from './rows.js';
import type { Step } from './step.js';
import type { World } from './world.js';

export type Operation = (world: World, m: Manager, step: Step) => Promise<void>;

interface Target {
  readonly kind: Kind;
  /** The rows that it means, as far as the managers' tenant sees them. */
  readonly handles: readonly number[];
  readonly value: any;
}

/** One of the forms that a target may have. */
async function chooseTarget(
  world: World,
  m: Manager,
  { a, b, c }: Step,
  eligible: (row: Row) => boolean,
): Promise<Target | undefined> {
  const kind = at(
    SOFT_KINDS.filter((each) => world.model.every(each).some(eligible)),
    a,
  );
  const rows = kind ? world.model.every(kind).filter(eligible) : [];
  const row = at(rows, b);
  const second = at(rows, b + 1);
  if (!kind || !row || !second) {
    return undefined;
  }
  const id = (each: Row) => world.rows.ids.get(each.handle)!;
  const seen = (...each: Row[]) => each.filter(({ tenant }) => tenant === HOME_TENANT).map(({ handle }) => handle);
  // Somebody else's row is there as a reference at most.
  const entity = (each: Row) => (seen(each).length > 0 ? m.load(each) : m.reference(each));
  switch (c % 5) {
    case 0:
      return { kind, handles: seen(row), value: id(row) };
    case 1:
      return { kind, handles: seen(row), value: await entity(row) };
    case 2:
      return { kind, handles: seen(row, second), value: [id(row), await entity(second)] };
    case 3:
      return { kind, handles: seen(row), value: { name: row.name } };
    default:
      return { kind, handles: world.model.of(kind).map(({ handle }) => handle), value: {} };
  }
}

function expectCount(what: string, actual: number, expected: number): void {
  if (actual !== expected) {
    throw new Error(`${what} is ${actual} instead of ${expected}`);
  }
}

function expectAffected(
  world: World,
  { affected, total }: DeletionResult | RestoreResult,
  rows: ReadonlySet<number>,
): void {
  expectCount('total', total, rows.size);
  for (const kind of SOFT_KINDS) {
    const expected = [...rows].filter((handle) => world.model.row(handle).kind === kind).length;
    expectCount(`affected.${kind}`, affected[CLASSES[kind].name] ?? 0, expected);
  }
}

export const OPERATIONS: Partial<Record<Step['op'], Operation>> = {
  async softDelete(world, m, step) {
    await world.settle(m);
    await world.settleOthers(m);
    const target = await chooseTarget(world, m, step, (row) => row.unit === null || step.c % 7 === 0);
    if (!target) {
      return;
    }
    let deleted = new Set<number>();
    await world.write(
      m,
      () => {
        const prediction = world.model.softDelete(target.handles);
        ({ deleted } = prediction);
        return prediction.outcome;
      },
      async () => expectAffected(world, await m.repository(target.kind).softDelete(target.value), deleted),
    );
  },

  async nativeDelete(world, m, { a, b }) {
    await world.settle(m);
    await world.settleOthers(m);
    const kind = at(SOFT_KINDS, a)!;
    const named = world.model.every(kind).filter((_, i) => (b >> i) % 2 === 0);
    const handles = named.map(({ handle }) => handle);
    const seen = named.filter(({ tenant }) => tenant === HOME_TENANT).map(({ handle }) => handle);
    await world.write(
      m,
      () => world.model.softDelete(seen).outcome,
      () => m.repository(kind).nativeDelete({ handle: { $in: handles } }),
    );
  },

  async restore(world, m, step) {
    await world.settle(m);
    await world.settleOthers(m);
    const target = await chooseTarget(world, m, step, (row) => row.unit !== null || step.c % 11 === 0);
    if (!target) {
      return;
    }
    const withParents = step.b % 3 === 0;
    let restored = new Set<number>();
    let conflicts: Conflict[] = [];
    await world.write(
      m,
      () => {
        ({ restored, conflicts } = world.model.restore(target.handles, withParents));
        return conflicts.length > 0 ? 'conflict' : 'ok';
      },
      async () => {
        try {
          expectAffected(world, await m.repository(target.kind).restore(target.value, { withParents }), restored);
        } catch (error) {
          if (error instanceof RestoreConflictError) {
            expectConflicts(world, error, conflicts);
          }
          throw error;
        }
      },
    );
  },

  async hardDelete(world, m, step) {
    await world.settle(m);
    for (const other of world.managers.filter((each) => each !== m)) {
      await world.settle(other);
    }
    const target = await chooseTarget(world, m, step, () => true);
    if (!target || step.c % 5 === 4) {
      return;
    }
    let removed = new Set<number>();
    const outcome = await world.write(
      m,
      () => {
        const prediction = world.model.hardDelete(target.handles);
        ({ removed } = prediction);
        return prediction.outcome;
      },
      async () => expectCount('removed', await m.repository(target.kind).hardDelete(target.value), removed.size),
    );
    if (outcome === 'ok') {
      world.managers.filter((each) => each !== m).forEach((other) => other.clear());
    }
  },
};

/** Compares the conflicts; of two rows that would be restored with the same value, either may be named. */
function expectConflicts(world: World, error: RestoreConflictError, expected: readonly Conflict[]): void {
  const name = ({ reason, kind, handle }: Conflict) =>
    `${reason} ${kind}#${reason === 'unique' ? uniqueValue(world.model.row(handle)) : handle}`;
  const actual = error.conflicts.map(({ reason, entity, key }) => {
    const kind = SOFT_KINDS.find((each) => CLASSES[each].name === entity)!;
    return name({ reason: reason as Conflict['reason'], kind, handle: world.rows.handle(kind, key as Key)! });
  });
  const [left, right] = [actual, expected.map(name)].map((each) => [...new Set(each)].toSorted().join(', '));
  if (left !== right) {
    throw new Error(`the conflicts are ${left} instead of ${right}`);
  }
}
