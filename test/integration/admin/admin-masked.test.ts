import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { SoftDeleteAdminModule } from 'nestjs-mikro-orm-soft-delete/admin';
import { AdminApp, platforms } from './admin-app.js';

const mask = (value: string) => `${value.slice(0, 1)}…`;

@SoftDeletable()
@Entity({ tableName: 'payer' })
class Payer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  /** What a row would be called by. */
  @Property({ type: 'string', serializer: mask })
  email!: string;

  @Property({ type: 'string', serializer: mask, serializedName: 'card_number' })
  card!: string;

  @Property({ type: 'string', nullable: true })
  city?: string | null;

  @Property({ type: 'json', columnType: 'json', nullable: true })
  settings?: unknown;
}

describe.each(platforms)(`${SoftDeleteAdminModule.name} on %s, and what a serializer masks`, (_name, adapter) => {
  let app: AdminApp;

  beforeAll(async () => {
    app = await AdminApp.start(
      adapter,
      {
        entities: [
          {
            entity: Payer,
            columns: ['card', 'city', 'settings'],
            label: (row: object) => (row as Payer).city!.toUpperCase(),
          },
        ],
      },
      '',
      undefined,
      { entities: [Payer] },
    );
    await app.database.query(`
      insert into payer (email, card, city, settings, deleted_at) values
        ('ada@example.org', '4111', 'London', '{}', now()), ('bob@example.org', '5500', null, '[]', now() - interval '1 hour')`);
  });
  afterAll(() => app.close());

  it('shows it masked', async () => {
    const { status, text, body } = await app.get('entities/Payer/rows');
    expect(status).toBe(200);
    expect(body.rows.map(({ columns }: any) => columns.card)).toEqual(['4…', '5…']);
    expect(text).not.toMatch(/4111|ada@/);
    expect((await app.get('entities/Payer/rows/1')).text).not.toMatch(/4111|ada@/);
  });

  it('lets nobody find it out by a search, an order, or a cursor', async () => {
    for (const found of ['4111', 'ada@', 'a']) {
      expect((await app.get(`entities/Payer/rows?q=${found}`)).body.rows).toEqual([]);
    }
    expect((await app.get('entities/Payer/rows?q=lond')).body.rows).toHaveLength(1);
    for (const sort of ['card', '-card', 'email', 'settings']) {
      const { status, body } = await app.get(`entities/Payer/rows?limit=1&sort=${sort}`);
      expect([status, body.message]).toEqual([400, expect.stringContaining('one of deletedAt, city')]);
    }
    expect((await app.get('entities')).body).toMatchObject([{ sortable: ['city'] }]);
  });

  it('calls a row by its key where its name cannot be told', async () => {
    const { body } = await app.get('entities/Payer/rows');
    expect(body.rows.map(({ label }: any) => label)).toEqual(['LONDON', 'Payer 2']);
  });

  it('calls no row by what is masked', async () => {
    const other = await AdminApp.start(adapter, {}, '', undefined, { entities: [Payer] });
    await other.database.query(`insert into payer (email, card, deleted_at) values ('ada@example.org', '4111', now())`);
    const { body, text } = await other.get('entities/Payer/rows');
    expect(body.rows).toMatchObject([{ label: 'Payer 1' }]);
    expect(text).not.toMatch(/4111|ada@/);
    await other.close();
  });
});
