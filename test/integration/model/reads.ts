import { helper, Reference } from '@mikro-orm/core';
import { at } from './changes.js';
import { ALL_KINDS, COLLECTIONS, type Kind, KINDS, SOFT_KINDS } from './kinds.js';
import { CLASSES, handles, type Manager, sameHandles, takesInNeighbours } from './manager.js';
import { isBehind } from './model.js';
import { lives } from './neighbours.js';
import { inScope, type Row, type Scope } from './row.js';
import type { Step } from './step.js';
import type { World } from './world.js';

type Read = (world: World, m: Manager, step: Step) => Promise<void>;

const SCOPES: readonly Scope[] = ['active', 'active', 'with', 'only'];
const STRATEGIES = ['joined', 'select-in', 'balanced'] as const;
/** Where a filter applies to references of the target as well, the ORM's select-in strategy does not find targets without them. */
const REFERENCE_STRATEGIES = STRATEGIES.filter((strategy) => strategy !== 'select-in' || !lives('tenants'));

/** Relations of entities with a repository that reads in scopes. */
const READABLE = COLLECTIONS.filter(({ parent }) => KINDS[parent].soft);

const handlesOf = (rows: readonly Row[]) => rows.map(({ handle }) => handle);

function expectRows(what: string, actual: readonly number[], expected: readonly number[]): void {
  if (!sameHandles(actual, expected)) {
    throw new Error(`${what} shows ${actual.join() || 'nothing'} instead of ${expected.join() || 'nothing'}`);
  }
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) {
    throw new Error(`${what} is ${String(actual)} instead of ${String(expected)}`);
  }
}

/** What a read hands out must look as its scope says. */
function expectTruth(world: World, what: string, kind: Kind, entities: readonly any[]): void {
  for (const entity of entities) {
    const row = world.model.row(entity.handle);
    if (KINDS[kind].soft) {
      expectEqual(
        `${what}: whether ${kind}#${row.handle} says it is deleted`,
        entity.deletedAt != null,
        row.unit !== null,
      );
    }
  }
}

const view = (m: Manager, kind: Kind, scope: Scope) =>
  scope === 'active' ? m.repository(kind) : m.repository(kind).scope(scope);

export const READS: Partial<Record<Step['op'], Read>> = {
  async find(world, m, { a, b, c }) {
    const kind = at(SOFT_KINDS, a)!;
    const scope = at(SCOPES, b)!;
    const found =
      scope === 'with' && c % 2 === 0
        ? await m.em.find<any>(CLASSES[kind], {}, { filters: { softDelete: false } })
        : await (c % 3 === 0 ? view(m, kind, scope).findAll() : view(m, kind, scope).find({} as never));
    expectRows(`find ${scope} ${kind}`, handles(found), handlesOf(world.model.of(kind, scope)));
    expectTruth(world, `find ${scope}`, kind, found);
  },

  async findOne(world, m, { a, b, c }) {
    const kind = at(SOFT_KINDS, a)!;
    const row = at(world.model.of(kind), b);
    const scope = at(SCOPES, c)!;
    if (!row) {
      return;
    }
    const id = world.rows.ids.get(row.handle)!;
    const found = await (scope === 'active'
      ? m.em.findOne<any>(CLASSES[kind], id as never)
      : view(m, kind, scope).findOne(id as never));
    // The ORM answers from memory for a row that it holds; what another manager has done since it cannot know.
    const mayBeOld = m.stale.has(row.handle) && found !== null;
    if (!mayBeOld) {
      expectEqual(
        `findOne ${scope} ${kind}#${row.handle}`,
        found?.handle,
        inScope(row, scope) ? row.handle : undefined,
      );
    }
  },

  async count(world, m, { a, b, c }) {
    const kind = at(SOFT_KINDS, a)!;
    const scope = at(SCOPES, b)!;
    const expected = world.model.of(kind, scope).length;
    const reads = view(m, kind, scope);
    const actual =
      c % 2 === 0 ? await reads.count() : (await reads.findAndCount({} as never, { limit: 1 } as never))[1];
    expectEqual(`count ${scope} ${kind}`, actual, expected);
  },

  async populate(world, m, { a, b, c }) {
    const relation = at(READABLE, a)!;
    const { parent, child, name } = relation;
    const scope = at(SCOPES, b)!;
    const strategy = at(STRATEGIES, c)!;
    const managed = world.model.every(parent).flatMap((row) => m.managed(row) ?? []);
    const refresh = m.foreign || managed.some((entity) => takesInNeighbours(relation, entity));
    const found = await view(m, parent, scope).find({} as never, { populate: [name], strategy, refresh } as never);
    const what = `find ${scope} ${parent} populate ${name} (${strategy})`;
    expectRows(what, handles(found), handlesOf(world.model.of(parent, scope)));
    const inner: Scope = scope === 'active' || !KINDS[child].soft ? 'active' : 'with';
    for (const entity of found as any[]) {
      const expected = handlesOf(world.model.behind(entity.handle, relation, inner));
      expectRows(`${what} of #${entity.handle}`, handles(entity[name].getItems()), expected);
      // What the ORM loads again for a collection it takes for a part, to which it adds nothing that is created later.
      if (refresh) {
        m.collections.delete(`${entity.handle}.${name}`);
      } else {
        m.collections.set(`${entity.handle}.${name}`, inner);
      }
    }
  },

  async populateReference(world, m, { a, b, c }) {
    const kind = at(
      ALL_KINDS.filter((each) => Object.keys(KINDS[each].refs).length > 0),
      a,
    )!;
    const property = Object.keys(KINDS[kind].refs)[0]!;
    const strategy = at(REFERENCE_STRATEGIES, b)!;
    const found = await m.em.find<any>(CLASSES[kind], {}, {
      populate: [property],
      strategy,
      refresh: m.foreign || c % 2 === 0,
    } as never);
    const what = `find ${kind} populate ${property} (${strategy})`;
    expectRows(what, handles(found), handlesOf(world.model.of(kind, 'active')));
    for (const entity of found) {
      const target = Reference.unwrapReference(entity[property]) as any;
      expectEqual(
        `${what} of #${entity.handle}`,
        target?.handle ?? null,
        world.model.row(entity.handle).refs[property],
      );
      if (target) {
        expectEqual(`${what}: whether the target is loaded`, helper(target).__initialized, true);
      }
    }
  },

  async collection(world, m, { a, b, c }) {
    const relation = at(READABLE, a)!;
    const { parent, child, name } = relation;
    const row = at(world.model.of(parent, 'active'), b);
    if (!row) {
      return;
    }
    const entity = await m.em.findOneOrFail<any>(CLASSES[parent], { id: world.rows.ids.get(row.handle) } as never);
    const collection = entity[name];
    const expected = handlesOf(world.model.behind(row.handle, relation, 'active'));
    const what = `${parent}#${row.handle}.${name}`;
    if (!KINDS[child].soft) {
      // Saved, the ORM's own collection is still marked as changed, and puts back what it held before it is read again.
      collection.setDirty(false);
    }
    if (m.foreign || takesInNeighbours(relation, entity)) {
      await collection.init();
    } else {
      await (c % 2 === 0 ? collection.load() : collection.loadItems());
    }
    expectRows(`${what} load`, handles(collection.getItems()), expected);
    m.collections.set(`${row.handle}.${name}`, 'active');
    if (relation.state === undefined) {
      // The ORM applies the condition of a relation to neither.
      expectEqual(`${what} loadCount`, await collection.loadCount(c % 3 === 0), expected.length);
      expectRows(`${what} matching`, handles(await collection.matching({})), expected);
    }
  },

  async condition(world, m, { a, b, c }) {
    const relation = at(READABLE, a)!;
    const { parent, child, name } = relation;
    const operator = at(['$some', '$none', '$size'] as const, b)!;
    // The ORM asks of conditions on relations whether there is a row, whoever sees it.
    const count = ({ handle }: Row) =>
      world.model.every(child).filter((row) => row.unit === null && isBehind(row, handle, relation)).length;
    const size = c % 3;
    const holds = {
      $some: (row: Row) => count(row) > 0,
      $none: (row: Row) => count(row) === 0,
      $size: (row: Row) => count(row) === size,
    };
    const where = { [name]: { [operator]: operator === '$size' ? size : {} } };
    const found = await m.em.find<any>(CLASSES[parent], where as never);
    expectRows(
      `${parent} ${JSON.stringify(where)}`,
      handles(found),
      handlesOf(world.model.of(parent, 'active').filter(holds[operator])),
    );
  },

  async pages(world, m, { a, b, c }) {
    const kind = at(SOFT_KINDS, a)!;
    const scope = at(SCOPES, b)!;
    const reads = view(m, kind, scope);
    const expected = handlesOf(world.model.of(kind, scope));
    if (c % 3 === 0) {
      const page = await reads.findByCursor({ first: 100, orderBy: { id: 'asc' } } as never);
      expectRows(`findByCursor ${scope} ${kind}`, handles(page.items), expected);
      expectEqual(`findByCursor ${scope} ${kind}: totalCount`, page.totalCount, expected.length);
    } else if (c % 3 === 1) {
      const streamed: any[] = [];
      for await (const entity of reads.stream({} as never)) {
        streamed.push(entity);
      }
      expectRows(`stream ${scope} ${kind}`, handles(streamed), expected);
    } else {
      const rows = await reads.qb().select('*').getResultList();
      // As every query builder of the ORM it knows no filters: what it shows of other tenants is the application's business.
      const everybody = world.model.every(kind).filter((row) => inScope(row, scope));
      expectRows(`qb ${scope} ${kind}`, handles(rows), handlesOf(everybody));
    }
  },
};
