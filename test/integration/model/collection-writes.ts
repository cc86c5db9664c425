import { COLLECTIONS, type CollectionSpec, PLAIN_PARENTS } from './kinds.js';
import { at, change, collides, reachesChanges, settleCovers } from './changes.js';
import { CLASSES, type Manager } from './manager.js';
import { isBehind } from './model.js';
import { newRow } from './row.js';
import type { Step } from './step.js';
import type { World } from './world.js';

type Write = (world: World, m: Manager, step: Step) => Promise<void>;

/** Setting a collection that is not loaded to nothing does nothing in the ORM: that is `removeAll()`. */
function replaceAll(collection: any, items: readonly any[]): void {
  if (items.length > 0) {
    collection.set(items);
  } else {
    collection.removeAll();
  }
}

/** A collection with active rows behind it, its parent and those rows. */
function choose(world: World, { a, b }: Step, allowed: (collection: CollectionSpec) => boolean) {
  const collections = COLLECTIONS.filter(allowed).flatMap((collection) =>
    world
      .candidates(collection.parent, false)
      .map((parent) => ({
        ...collection,
        row: parent,
        items: world.model.behind(parent.handle, collection, 'active'),
      }))
      .filter(({ items }) => items.length > 0),
  );
  return at(collections, a * 7 + b);
}

/** Collections that can let go of an item: by deleting it or by clearing its key. */
const releasing = ({ child, spec }: CollectionSpec) =>
  (Boolean(spec.orphanRemoval) || spec.nullable) && !PLAIN_PARENTS.includes(child);

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
    [...m.pending.sets.values()].some((changes) => changes.has(property)) ||
    // Loading a collection takes what waits to be inserted out of it: that is the ORM's business.
    [...m.pending.creates.values()].some(({ refs }) => refs[property] === row.handle)
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

/** Changes of collections and of the other side of a one-to-one relation. */
export const COLLECTION_WRITES: Partial<Record<Step['op'], Write>> = {
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
    // The ORM's statement names the key and nothing else: whose the rows are does not matter to it.
    const going = world.model
      .every(chosen.child)
      .filter((item) => item.unit === null && isBehind(item, row.handle, chosen) && !kept.includes(item));
    for (const { handle } of going) {
      if (spec.orphanRemoval) {
        m.pending.removes.add(handle);
      } else {
        m.pending.released.set(handle, property);
      }
    }
    // The statement changes rows that the ORM does not look for in memory.
    [...m.pending.released.keys()].forEach((handle) => m.stale.add(handle));
    // The one that is in memory for certain is the owner itself.
    m.foreign ||= m.pending.released.has(row.handle);
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
    const old = world.model.behind(doc.handle, { child: 'cover', property: 'doc' }, 'active')[0];
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
