import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { buildAdminPage } from '../../support/build-admin-page.js';
import { AdminApp, platforms } from './admin-app.js';

@SoftDeletable({ retention: '1d' })
@Entity({ schema: '*', tableName: 'note' })
class Note extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

beforeAll(() => buildAdminPage());

describe.each(platforms)('The admin API in the schema of a tenant on %s', (_name, adapter) => {
  let app: AdminApp;

  beforeAll(async () => {
    app = await AdminApp.start(adapter, { entities: [Note] }, '', undefined, {
      entities: [Note],
      purge: { schemas: () => ['north', 'south'], brake: false },
    });
    for (const schema of ['north', 'south']) {
      await app.database.query(`
        create schema ${schema};
        create table ${schema}.note (id int primary key, deleted_at timestamptz);
        create table ${schema}.copy (note_id int references ${schema}.note);
        insert into ${schema}.note select n, now() - interval '2 days' from generate_series(1, 3) as n`);
    }
    await app.database.query(
      'insert into north.copy values (1); insert into north.copy values (2); insert into south.copy values (3)',
    );
  });
  afterAll(() => app?.close());

  const notes = async () =>
    (
      await app.database.query(
        `select 'north ' || id as note from north.note union all select 'south ' || id from south.note order by 1`,
      )
    ).map(({ note }) => note);

  it('counts what is blocked there', async () => {
    const blocked = async (schema: string) => (await app.get('entities', { 'x-schema': schema })).body[0].blocked;
    expect([await blocked('north'), await blocked('south')]).toEqual([2, 1]);
  });

  it('purges there, and nowhere else', async () => {
    const purge = (body: object) => app.post('purge', body, { 'x-schema': 'south' });
    expect((await purge({ dryRun: true })).body).toMatchObject({ total: 2 });
    expect(await purge({ confirm: '2' })).toMatchObject({ status: 200, body: { total: 2 } });
    expect(await notes()).toEqual(['north 1', 'north 2', 'north 3', 'south 3']);
  });
});
