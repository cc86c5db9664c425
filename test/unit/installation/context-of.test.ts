import { withDeletionContext } from 'nestjs-mikro-orm-soft-delete/compliance';
import { contextOf, requireContext } from '../../../lib/installation/context-of.js';

describe(contextOf, () => {
  const asked: string[] = [];
  const by = (actor: unknown) => ({
    actor: () => {
      asked.push('actor()');
      return actor as string | undefined;
    },
  });

  beforeEach(() => {
    asked.length = 0;
  });

  it('says what the operation says, then what is said around it, then who the module says it is', () => {
    withDeletionContext({ actor: 'around', reason: 'around' }, () => {
      expect(contextOf(by('module'), { actor: 'given', reason: 'given' })).toEqual({ actor: 'given', reason: 'given' });
      expect(contextOf(by('module'), { reason: 'given' })).toEqual({ actor: 'around', reason: 'given' });
      expect(contextOf(by('module'), { actor: 'given' })).toEqual({ actor: 'given', reason: 'around' });
      expect(asked).toEqual([]);
    });
    expect(contextOf(by('module'))).toEqual({ actor: 'module' });
    expect(asked).toEqual(['actor()']);
  });

  it('says nothing of what nobody has said', () => {
    for (const nobody of [undefined, null]) {
      expect(Object.keys(contextOf(by(nobody)))).toEqual([]);
    }
  });

  it.each([
    [7, '7'],
    [9_007_199_254_740_993n, '9007199254740993'],
    [0, '0'],
    ['', ''],
  ])('takes the id of a user for a name: %p', (actor, text) => {
    expect(contextOf(by(actor))).toEqual({ actor: text });
  });

  it.each([true, {}, ['ada'], Promise.resolve('ada'), 'a\0'])('refuses what is no name: %p', (actor) => {
    expect(() => contextOf(by(actor))).toThrow('which is no name of anybody');
  });
});

describe(requireContext, () => {
  const installation = (requiresReason: boolean) => ({ actor: () => 'ada', requiresReason });

  it('asks for a reason where the module does', () => {
    expect(requireContext(installation(false), 'restore()')).toEqual({ actor: 'ada' });
    expect(() => requireContext(installation(true), 'restore()')).toThrow(/^restore\(\) was refused: it has no reason/);
  });

  it('takes one from the operation or from around it', () => {
    expect(requireContext(installation(true), 'restore()', { reason: 'asked' })).toEqual({
      actor: 'ada',
      reason: 'asked',
    });
    withDeletionContext({ reason: 'around' }, () =>
      expect(requireContext(installation(true), 'restore()')).toEqual({ actor: 'ada', reason: 'around' }),
    );
  });
});
