// One process that reads the shop in one way, when it is told to, and says what processor time that took it. Ways that are compared do
// not share a process: the engine optimises what the first one runs for that one, and the second one pays for it.
import { MikroORM } from '@mikro-orm/postgresql';
import { shopEntities } from './shop.mjs';

const [url, libraryUrl, way] = process.argv.slice(2);
const active = { deletedAt: null };

const orm = await open();
const { Order, Line } = orm.entities;
const isFiltered = way !== 'byHand';
const condition = isFiltered ? {} : active;
const inOrder = { orderBy: { id: 1 } };
const reads = {
  findOne: (em) => em.findOne(Line, isFiltered ? 1 : { id: 1, ...active }),
  list: (em) => em.find(Order, condition, { ...inOrder, limit: 100 }),
  find: (em) => em.find(Line, condition, { ...inOrder, limit: 1_000 }),
  populate: (em) =>
    em.find(Order, condition, {
      ...inOrder,
      limit: 10,
      populate: ['lines'],
      ...(isFiltered ? {} : { populateWhere: { lines: active } }),
    }),
};

process.on('message', ({ read, times }) => {
  measure(read, times).then((ms) => process.send({ ms }), fail);
});
process.on('disconnect', () => process.exit());
process.send('ready');

async function measure(read, times) {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) {
    await reads[read](orm.em.fork());
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times / 1_000;
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

async function open() {
  const library = way === 'package' ? await import(libraryUrl) : undefined;
  const entities = shopEntities((entity) => library?.softDeletable(entity) ?? entity);
  const filters = way === 'filter' ? { softDelete: { cond: () => active, default: true, args: false } } : {};
  const opened = await MikroORM.init({ clientUrl: url, entities: Object.values(entities), filters });
  if (way === 'filter') {
    // References keep resolving, as with the package.
    for (const meta of opened.getMetadata()) {
      meta.relations
        .filter(({ owner, kind }) => owner || kind === 'm:1')
        .forEach((prop) => (prop.filters = { softDelete: false }));
    }
  }
  library?.installSoftDelete(opened);
  return Object.assign(opened, { entities });
}
