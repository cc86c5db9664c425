import { defineEntity, p } from '@mikro-orm/postgresql';
import { ErasureService, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

const Client = personalData(
  defineEntity({
    name: 'Client',
    properties: { tenant: p.integer().primary(), id: p.integer().primary(), name: p.text().nullable() },
  }),
  { subject: true, erase: 'row', fields: { name: null } },
);
/** Its key to a client has the tenant's column in common with its own. */
const Job = personalData(
  defineEntity({
    name: 'Job',
    properties: {
      tenant: p.integer().primary(),
      id: p.integer().primary(),
      client: () => p.manyToOne(Client).nullable().fieldNames('tenant', 'client_id'),
      clientId: p.integer().fieldName('client_id').persist(false),
      memo: p.text().nullable(),
    },
  }),
  { of: 'client', fields: { memo: null } },
);

describe(`${ErasureService.name} and keys that have a column in common with others`, () => {
  const test = useErasures([Client, Job]);

  it.each(['set null (client_id)', 'no action'])(
    'clears the rest of them, where the database does: %s',
    async (rule) => {
      await test.rows(`
      alter table job drop constraint if exists job_tenant_client_id_foreign;
      alter table job add constraint job_tenant_client_id_foreign
        foreign key (tenant, client_id) references client (tenant, id) on delete ${rule};
      insert into client values (1, 1, 'Ada Lovelace'), (1, 2, 'Bob Babbage');
      insert into job (tenant, id, client_id, memo) values (1, 1, 1, 'for Ada'), (1, 2, 2, 'for Bob')`);
      const job = await test.fork().findOneOrFail<any>(Job.class, { tenant: 1, id: 1 } as never);
      expect(job.client).not.toBeNull();
      expect(await test.erasures.plan(Client.class as never, [1, 1] as never)).toMatchObject({ outcome: 'completed' });
      expect(await test.erasures.erase(Client.class as never, [1, 1] as never)).toMatchObject({
        outcome: 'completed',
        entities: [
          { entity: 'Client', deleted: 1 },
          { entity: 'Job', overwritten: 1 },
        ],
      });
      expect(await test.rows('select tenant, id, client_id, memo from job order by id')).toEqual([
        { tenant: 1, id: 1, client_id: null, memo: null },
        { tenant: 1, id: 2, client_id: 2, memo: 'for Bob' },
      ]);
    },
  );
});
