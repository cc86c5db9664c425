import { ALL_KINDS, COLLECTIONS, type Kind, KINDS, SOFT_KINDS } from './kinds.js';
import { CLASSES, type Manager } from './manager.js';
import { newRow, type Row } from './model.js';
import type { Step } from './step.js';
import type { World } from './world.js';

type Write = (world: World, m: Manager, step: Step) => Promise<void>;

const at = <Item>(items: readonly Item[], n: number): Item | undefined => items[n % Math.max(items.length, 1)];

/** Kinds whose deletion takes nothing along and refuses nothing. */
const LEAVES: readonly Kind[] = ['review', 'lease', 'mark', 'cover', 'tag'];

const cascading = (kind: Kind): string[] =>
  ALL_KINDS.flatMap((child) =>
    Object.values(KINDS[child].refs)
      .filter((spec) => spec.to === kind && spec.policy === 'cascade')
      .map(({ inverse }) => inverse),
  );

/** Flushes instead if the step would touch rows that pending removals are going to reach: what a flush makes of both is the ORM's business. */
async function collides(world: World, m: Manager, involved: readonly (number | null | undefined)[]): Promise<boolean> {
  const doomed = m.pending.removes.size > 0 ? world.doomed(m) : new Set<number>();
  const does = involved.some((handle) => handle != null && doomed.has(handle));
  if (does) {
    await world.settle(m);
  }
  return does;
}

/** Flushes instead if a removal would reach rows that are new or changed, other than the removed one itself. */
async function reachesChanges(world: World, m: Manager, handles: readonly number[]): Promise<boolean> {
  const reached = world.doomed(m, handles);
  // Reading a row into a collection takes it off the ORM's remove stack, and the deletion of a plain row is nobody else's.
  const plain = [...m.pending.removes].filter((handle) => !KINDS[world.model.row(handle).kind].soft);
  const changed = [...m.pending.creates.keys(), ...m.pending.sets.keys(), ...plain];
  const linked = [...m.pending.links.keys()].flatMap((link) => link.split(':').map(Number));
  const does = [...changed.filter((handle) => !handles.includes(handle)), ...linked].some((handle) =>
    reached.has(handle),
  );
  if (does) {
    await world.settle(m);
  }
  return does;
}

function freeSlug(world: World, m: Manager, n: number): string {
  const taken = new Set([...world.candidates('folder', false, m)].map(({ slug }) => slug));
  const pool = [...Array(6).keys()].map((i) => `s${i}`);
  return n % 7 === 0
    ? pool[n % 6]!
    : (pool.slice(n % 6).find((slug) => !taken.has(slug)) ?? `free${world.nextHandle()}`);
}

async function createRow(world: World, m: Manager, kind: Kind, refs: Row['refs'], slug: string | undefined, n: number) {
  const handle = world.nextHandle();
  const data: Record<string, unknown> = { handle, name: `${kind}${handle}`, ...(slug ? { slug } : {}) };
  for (const [property, target] of Object.entries(refs)) {
    const row = target === null ? undefined : (m.pending.creates.get(target) ?? world.model.row(target));
    data[property] = row ? (n % 2 === 0 ? m.reference(row) : await m.load(row)) : null;
  }
  const entity = m.em.create<any>(CLASSES[kind], data as never);
  m.em.persist(entity);
  if (kind === 'review') {
    // A wrapped reference does not tell the loaded collection on the other side.
    m.collections.delete(`${refs['doc']}.reviews`);
  }
  m.created.set(handle, entity);
  m.pending.creates.set(handle, newRow(kind, handle, refs, slug));
  return entity;
}

/** Reading a document again gives it the cover that the database knows: changes of covers do not wait. */
async function settleCovers(world: World, m: Manager): Promise<void> {
  if ([...m.pending.creates.values()].some(({ kind }) => kind === 'cover')) {
    await world.settle(m);
  }
}

function change(m: Manager, row: Row, column: string, to: string | number | null): void {
  const created = m.pending.creates.get(row.handle);
  if (created) {
    if (column === 'name') {
      created.name = String(to);
    } else {
      created.refs[column] = to as number | null;
    }
    return;
  }
  const changes =
    m.pending.sets.get(row.handle) ?? new Map<string, { from: string | number | null; to: string | number | null }>();
  const current = column === 'name' || column === 'slug' ? (row[column] ?? null) : row.refs[column]!;
  const from = changes.has(column) ? changes.get(column)!.from : current;
  if (from === to) {
    changes.delete(column);
  } else {
    changes.set(column, { from, to });
  }
  if (changes.size > 0) {
    m.pending.sets.set(row.handle, changes);
  } else {
    m.pending.sets.delete(row.handle);
  }
}

async function removeAs(m: Manager, row: Row, how: number): Promise<void> {
  const entity =
    how % 4 === 0 && !m.missedRestoration(row)
      ? m.reference(row)
      : await m.load(row, how % 4 === 1 ? cascading(row.kind) : [], how % 8 >= 4);
  m.em.remove(entity);
  m.pending.removes.add(row.handle);
}

/** Setting a collection that is not loaded to nothing does nothing in the ORM: that is `removeAll()`. */
function replaceAll(collection: any, items: readonly any[]): void {
  if (items.length > 0) {
    collection.set(items);
  } else {
    collection.removeAll();
  }
}

/** A collection with active rows behind it, its parent and those rows. */
function choose(world: World, { a, b }: Step, allowed: (collection: (typeof COLLECTIONS)[number]) => boolean) {
  const collections = COLLECTIONS.filter(allowed).flatMap((collection) =>
    world
      .candidates(collection.parent, false)
      .map((parent) => ({
        ...collection,
        row: parent,
        items: world.model.behind(parent.handle, collection.child, collection.property, 'active'),
      }))
      .filter(({ items }) => items.length > 0),
  );
  return at(collections, a * 7 + b);
}

/** Collections that can let go of an item: by deleting it or by clearing its key. */
const releasing = ({ spec }: (typeof COLLECTIONS)[number]) => Boolean(spec.orphanRemoval) || spec.nullable;

async function releaseFromLoaded(world: World, m: Manager, step: Step, leave: 'one' | 'set'): Promise<void> {
  await world.refresh(m);
  const chosen = choose(world, step, releasing);
  if (!chosen) {
    return;
  }
  const { row, items, name, property, spec } = chosen;
  const going =
    leave === 'one' && step.c % 3 !== 0
      ? [at(items, step.c)!]
      : items.filter((_, i) => leave === 'one' || (step.c >> i) % 2 === 0);
  const handles = going.map(({ handle }) => handle);
  if (
    (await reachesChanges(world, m, handles)) ||
    (await collides(world, m, [row.handle, ...items.map(({ handle }) => handle)]))
  ) {
    return;
  }
  if (
    handles.some((handle) => m.pending.sets.has(handle)) ||
    [...m.pending.sets.values()].some((changes) => changes.has(property))
  ) {
    await world.settle(m);
    return;
  }
  const parent = await m.load(row, [name]);
  const collection = parent[name];
  const entities = collection.getItems().filter((item: any) => handles.includes(item.handle));
  if (leave === 'set') {
    collection.set(collection.getItems().filter((item: any) => !handles.includes(item.handle)));
  } else if (step.c % 3 === 0) {
    collection.removeAll();
  } else {
    entities.forEach((entity: any) => collection.remove(entity));
  }
  for (const item of going) {
    if (spec.orphanRemoval) {
      m.pending.removes.add(item.handle);
    } else {
      change(m, item, property, null);
    }
  }
}

export const WRITES: Partial<Record<Step['op'], Write>> = {
  async create(world, m, { a, b, c }) {
    const kind = at(ALL_KINDS, a)!;
    const refs: Row['refs'] = {};
    for (const [property, spec] of Object.entries(KINDS[kind].refs)) {
      const free = (doc: Row) =>
        c % 7 === 0 || !world.candidates('cover', false, m).some((cover) => cover.refs['doc'] === doc.handle);
      const targets = world.candidates(spec.to, c % 5 === 0, m).filter((row) => kind !== 'cover' || free(row));
      const target = spec.nullable && b % 4 === 0 ? undefined : at(targets, b);
      if (!target && !spec.nullable) {
        return;
      }
      refs[property] = target?.handle ?? null;
    }
    if (await collides(world, m, Object.values(refs))) {
      return;
    }
    await createRow(world, m, kind, refs, kind === 'folder' ? freeSlug(world, m, c) : undefined, b);
    await settleCovers(world, m);
  },

  async rename(world, m, { a, b, c }) {
    const row = at(world.candidates(at(ALL_KINDS, a), c % 4 === 0, m), b);
    if (row && !(await collides(world, m, [row.handle]))) {
      const name = `renamed${world.nextHandle()}`;
      (await m.load(row)).name = name;
      change(m, row, 'name', name);
    }
  },

  async move(world, m, { a, b, c }) {
    await world.refresh(m);
    const movable = ALL_KINDS.filter((kind) => Object.keys(KINDS[kind].refs).length > 0 && kind !== 'cover');
    const row = at(world.candidates(at(movable, a), false, m), b);
    const [property, spec] = row ? Object.entries(KINDS[row.kind].refs)[0]! : [];
    const target =
      spec && (spec.nullable && c % 4 === 0 ? undefined : at(world.candidates(spec.to, c % 9 === 0, m), c));
    if (!row || !spec || (!target && !spec.nullable)) {
      return;
    }
    if (await collides(world, m, [row.handle, row.refs[property!], target?.handle])) {
      return;
    }
    m.collections.delete(`${row.refs[property!]}.${spec.inverse}`);
    const entity = await m.load(row);
    const value = target ? (c % 2 === 0 ? m.reference(target) : await m.load(target)) : null;
    const wraps = row.kind === 'review' && value?.id !== undefined;
    entity[property!] = wraps ? m.em.getReference(CLASSES[spec.to], value.id, { wrapped: true } as never) : value;
    // The ORM takes an entity out of a loaded collection that moves to another one, but not one that moves nowhere.
    m.foreign ||= !target;
    change(m, row, property!, target?.handle ?? null);
  },

  async reslug(world, m, { a, b }) {
    await world.settle(m);
    const row = at(world.candidates('folder', b % 3 === 0), a);
    if (row) {
      const slug = `slug${world.nextHandle()}`;
      (await m.load(row)).slug = slug;
      change(m, row, 'slug', slug);
      await world.settle(m);
    }
  },

  async remove(world, m, { a, b, c }) {
    const kind = at(ALL_KINDS, a)!;
    if (!LEAVES.includes(kind)) {
      await world.refresh(m);
    }
    const row = at(world.candidates(kind, c % 6 === 0), b);
    if (!row) {
      return;
    }
    if (!(await reachesChanges(world, m, [row.handle]))) {
      await removeAs(m, row, c);
    }
  },

  async removeStale(world, m, { a }) {
    const rows = world.candidates(undefined, true).filter((row) => {
      const entity = m.stale.has(row.handle) && !m.pending.sets.has(row.handle) ? m.managed(row) : undefined;
      const takesNothingAlong = world.model.closure([row.handle], (child) => child.unit === null).size === 1;
      return (
        entity && takesNothingAlong && (row.unit !== null || (LEAVES.includes(row.kind) && entity.deletedAt == null))
      );
    });
    const row = at(rows, a);
    if (row && !(await reachesChanges(world, m, [row.handle]))) {
      m.em.remove(m.managed(row));
      m.pending.removes.add(row.handle);
    }
  },

  async persistAgain(world, m, { a, b, c }) {
    await world.refresh(m);
    await world.settle(m);
    const row = at(world.candidates(at(SOFT_KINDS, a), false), b);
    if (row && world.model.closure([row.handle], () => true, false).size === 1) {
      const entity = await m.load(row, c % 2 === 0 && row.kind === 'doc' ? ['marks', 'leases'] : []);
      m.em.remove(entity);
      m.em.persist(entity);
      // The ORM has taken it out of the collections that held it and does not put it back.
      m.collections.clear();
      m.foreign = true;
      m.pending.sets.set(row.handle, new Map());
    }
  },

  async recreate(world, m, { a, b, c }) {
    const kind = a % 3 === 0 ? 'folder' : 'cover';
    await world.settle(m);
    if (c % 2 === 0 && world.transactions.length === 0) {
      m.clear();
    } else {
      await world.refresh(m);
    }
    const row = at(world.candidates(kind, false), b);
    if (row) {
      await removeAs(m, row, c);
      const { parent } = row.refs;
      const refs =
        kind === 'cover' || parent === null || !world.doomed(m).has(parent!) ? { ...row.refs } : { parent: null };
      await createRow(world, m, kind, refs, row.slug, c);
      await settleCovers(world, m);
    }
  },

  collectionRemove: (world, m, step) => releaseFromLoaded(world, m, step, 'one'),
  collectionSet: (world, m, step) => releaseFromLoaded(world, m, step, 'set'),

  async collectionSetUnloaded(world, m, step) {
    await world.settle(m);
    await world.settleOthers(m);
    if (world.transactions.length === 0) {
      m.clear();
    } else if (m.em.getUnitOfWork().getIdentityMap().values().length > 0) {
      return;
    }
    const chosen = choose(world, step, releasing);
    if (!chosen) {
      return;
    }
    const { row, items, name, property, spec } = chosen;
    const kept = items.filter((_, i) => (step.c >> i) % 2 === 0);
    const parent = await m.load(row);
    const keptEntities = [];
    for (const item of kept) {
      keptEntities.push(await m.load(item));
    }
    replaceAll(parent[name], keptEntities);
    m.replacedUnloaded = true;
    const going = world.model
      .behind(row.handle, chosen.child, property, 'active')
      .filter((item) => !kept.includes(item));
    for (const { handle } of going) {
      if (spec.orphanRemoval) {
        m.pending.removes.add(handle);
      } else {
        m.pending.released.set(handle, property);
      }
    }
    // The statement changes rows that the ORM does not look for in memory.
    [...m.pending.released.keys()].forEach((handle) => m.stale.add(handle));
    await world.settleOthers(m);
    await world.flush(m);
  },

  async tags(world, m, { a, b, c }) {
    await world.settle(m);
    await world.settleOthers(m);
    await world.refresh(m);
    const doc = at(world.candidates('doc', false), a);
    if (!doc) {
      return;
    }
    const { model } = world;
    const unloaded = c % 4 === 1 && world.transactions.length === 0;
    if (unloaded) {
      m.clear();
    }
    const entity = await m.load(doc, unloaded ? [] : ['tags']);
    const linked = model.linked(doc.handle, 'active');
    const tag = at(model.of('tag', 'active'), b);
    if (c % 4 <= 1) {
      const kept = tag && b % 3 !== 0 ? [tag] : [];
      const keptEntities = [];
      for (const each of kept) {
        keptEntities.push(await m.load(each));
      }
      replaceAll(entity.tags, keptEntities);
      linked
        .filter(({ handle }) => handle !== kept[0]?.handle)
        .forEach(({ handle }) => m.pending.links.set(`${doc.handle}:${handle}`, false));
      kept
        .filter(({ handle }) => !model.links.has(`${doc.handle}:${handle}`))
        .forEach(({ handle }) => m.pending.links.set(`${doc.handle}:${handle}`, true));
      await world.settleOthers(m);
      await world.flush(m);
    } else if (tag) {
      const isLinked = linked.some(({ handle }) => handle === tag.handle);
      const item = await m.load(tag);
      if (isLinked) {
        entity.tags.remove(item);
      } else {
        entity.tags.add(item);
      }
      m.pending.links.set(`${doc.handle}:${tag.handle}`, !isLinked);
    }
  },

  async replaceCover(world, m, { a, b, c }) {
    await world.settle(m);
    await world.refresh(m);
    const doc = at(world.candidates('doc', false), a);
    if (!doc) {
      return;
    }
    const old = world.model.behind(doc.handle, 'cover', 'doc', 'active')[0];
    const entity = await m.load(doc, ['cover']);
    if (old) {
      m.pending.removes.add(old.handle);
    }
    if (c % 3 === 0) {
      entity.cover = null;
      await world.settle(m);
      return;
    }
    const handle = world.nextHandle();
    const data = { handle, name: `cover${handle}` };
    if (b % 2 === 0) {
      // `em.create()` would not take the old one's place: it sets the key without telling the other side.
      const cover = Object.assign(new CLASSES.cover(), data);
      cover.doc = entity;
      m.em.persist(cover);
      m.created.set(handle, cover);
    } else {
      const cover = m.em.create<any>(CLASSES.cover, data as never, { partial: true } as never);
      entity.cover = cover;
      m.created.set(handle, cover);
    }
    m.pending.creates.set(handle, newRow('cover', handle, { doc: doc.handle }));
    await settleCovers(world, m);
  },
};
