import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { noPersonalData, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { expectErasureComplete } from 'nestjs-mikro-orm-soft-delete/testing';

const person = () =>
  defineEntity({
    name: 'Person',
    tableName: 'person',
    properties: { id: p.integer().primary(), name: p.text(), phone: p.text() },
  });
const letterTo = (Person: any) =>
  defineEntity({
    name: 'Letter',
    tableName: 'letter',
    properties: { id: p.integer().primary(), person: () => p.manyToOne(Person), text: p.text() },
  });

describe(expectErasureComplete.name, () => {
  const check = async (entities: any[]) => {
    const orm = await MikroORM.init({ dbName: 'nowhere', connect: false, entities } as never);
    try {
      expectErasureComplete(orm as never);
      return undefined;
    } catch (error) {
      return error as Error;
    } finally {
      await orm.close();
    }
  };

  it('names every entity and property that nobody speaks for', async () => {
    const Person = personalData(person(), { subject: true, fields: { name: 'x' } });
    const error = await check([Person, letterTo(Person)]);
    expect(error).toMatchObject({ name: 'AssertionError', code: 'ERR_ASSERTION' });
    expect(error!.message.split('\n')).toEqual([
      'An erasure would be refused.',
      "- Letter has a key to a person: write @PersonalData({ of: '…', fields: { … } }) or @NoPersonalData().",
      '- Person: list phone in the `fields` or in `notPersonal` of @PersonalData().',
    ]);
  });

  it('passes once everything is declared', async () => {
    const Person = personalData(person(), { subject: true, fields: { name: 'x' }, notPersonal: ['phone'] });
    expect(await check([Person, noPersonalData(letterTo(Person))])).toBeUndefined();
    const Other = personalData(person(), { subject: true, fields: { name: 'x', phone: 'y' } });
    expect(
      await check([Other, personalData(letterTo(Other), { of: 'person', fields: { text: '' } } as never)]),
    ).toBeUndefined();
  });

  it('fails where nobody is a person', async () => {
    expect((await check([person()]))!.message).toContain('No entity is a person');
  });
});
