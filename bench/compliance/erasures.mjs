import { median, result } from '../support/measure.mjs';
import { withProcessorTime } from '../support/processor-time.mjs';
import { openPeople } from './people.mjs';

const ROUNDS = 7;

/** An erasure against the ORM's unit of work, which loads the person's rows, overwrites and removes them, and does nothing else. */
export async function* erasesFasterThanTheUnitOfWork({ server, library, rows }) {
  const count = rows(10_000);
  // Each round takes another customer, and the first one what loads and compiles.
  const size = { customers: ROUNDS + 1, rowsPerCustomer: count };
  const declared = await openPeople(server, library, { name: 'declared', ...size });
  const collections = await openPeople(server, undefined, { name: 'collections', ...size });
  const finds = await openPeople(server, undefined, { name: 'finds', ...size });
  const { erasures } = library.createCompliance(declared.orm);
  const erase = async (id) => {
    const { outcome, entities } = await erasures.erase(declared.Customer, id);
    const changed = entities.reduce((sum, { deleted, overwritten }) => sum + deleted + overwritten, 0);
    if (outcome !== 'completed' || changed < count / 2) {
      throw new Error(`The erasure is ${outcome}, with ${changed} of ${count} rows.`);
    }
  };
  const measures = {
    erased: [declared, erase],
    collections: [collections, (id) => eraseInCollections(collections, id)],
    finds: [finds, (id) => eraseByFinds(finds, id)],
  };
  const runs = { erased: [], collections: [], finds: [] };
  const clients = {};
  for (const name of ['declared', 'collections', 'finds']) {
    clients[name] = await server.connect(name);
  }
  for (let id = 1; id <= size.customers; id++) {
    for (const [name, [{ database }, work]] of Object.entries(measures)) {
      await clients[database].query('checkpoint');
      const { ms, processor } = await withProcessorTime(clients[database], () => work(id));
      if (id > 1) {
        runs[name].push({ ms, processor });
      }
    }
  }
  await Promise.all(Object.values(clients).map((client) => client.end()));
  for (const people of [declared, collections, finds]) {
    await people.close();
  }
  const of = (name, measure) => median(runs[name].map((run) => run[measure]));
  yield result(
    `speed of erasing a person with ${count.toLocaleString('en')} rows in four tables against the unit of work`,
    of('collections', 'ms') / of('erased', 'ms'),
    {
      atLeast: 4,
      details: `${of('erased', 'ms').toFixed(0)} against ${of('collections', 'ms').toFixed(0)} ms, medians of ${ROUNDS}, of which ${of('erased', 'processor').toFixed(0)} and ${of('collections', 'processor').toFixed(0)} ms are processor time in Node and PostgreSQL; without collections, with a \`find()\` for each table, the unit of work takes ${of('finds', 'ms').toFixed(0)} ms (${of('finds', 'processor').toFixed(0)} ms). It neither locks nor records, and looks for nothing that is left`,
    },
  );
}

/** As an application would: the customer with all that belongs to it, changed and flushed. */
async function eraseInCollections({ orm, Customer }, id) {
  await orm.em.fork().transactional(async (em) => {
    const customer = await em.findOneOrFail(Customer, id, { populate: ['orders.lines', 'messages'] });
    overwriteCustomer(customer);
    for (const order of customer.orders) {
      overwriteOrder(order);
      for (const line of order.lines) {
        line.engraving = null;
      }
    }
    for (const message of customer.messages.getItems()) {
      em.remove(message);
    }
  });
}

/** As who knows that removing an entity takes its collection's time: no collection is loaded. */
async function eraseByFinds({ orm, Customer, Order, Line, Message }, id) {
  await orm.em.fork().transactional(async (em) => {
    overwriteCustomer(await em.findOneOrFail(Customer, id));
    (await em.find(Order, { customer: id })).forEach(overwriteOrder);
    for (const line of await em.find(Line, { order: { customer: id } })) {
      line.engraving = null;
    }
    (await em.find(Message, { sender: id })).forEach((message) => em.remove(message));
  });
}

function overwriteCustomer(customer) {
  Object.assign(customer, {
    email: `erased-${customer.id}@erased.invalid`,
    name: '[erased]',
    phone: null,
    address: null,
  });
}

function overwriteOrder(order) {
  Object.assign(order, { shipTo: null, billTo: null, phone: null, comment: null });
}
