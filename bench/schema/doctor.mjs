// How long the doctor examines a schema of two hundred tables, each with a key to another one, a unique value and an index.
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { median, timed } from '../support/measure.mjs';

const TABLES = 200;
const ROUNDS = 5;
const LIMIT = 5_000;

export async function* doctorTime({ server, library: { activeUnique, SoftDeleteDoctor, softDeletable } }) {
  const entities = [];
  for (let i = 0; i < TABLES; i++) {
    const parent = entities[i - 1];
    const schema = defineEntity({
      name: `Table${i}`,
      tableName: `table_${i}`,
      properties: {
        id: p.integer().primary(),
        code: p.string(),
        deletedAt: p.datetime().columnType('timestamptz').nullable(),
        ...(parent ? { parent: () => p.manyToOne(parent).nullable().index() } : {}),
      },
    });
    activeUnique(schema, { properties: ['code'] });
    entities.push(softDeletable(schema, { retention: '30d' }));
  }
  await server.create('doctor_bench', []);
  const orm = await MikroORM.init({ clientUrl: server.url('doctor_bench'), entities });
  await orm.schema.create();
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { ms, result } = await timed(() => new SoftDeleteDoctor(orm).examine());
    if (result.length > 0) {
      throw new Error(`The doctor finds ${result.length} faults in a schema that has none: ${result[0].problem}`);
    }
    times.push(ms);
  }
  await orm.close(true);
  await server.drop('doctor_bench');
  yield {
    what: `doctor on ${TABLES} tables, against a limit of five seconds`,
    full: LIMIT,
    partial: median(times),
    unit: 'ms',
    ratio: LIMIT / median(times),
    atLeast: 1,
  };
}
