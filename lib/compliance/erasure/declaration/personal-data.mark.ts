import type { PersonalDataOptions } from './personal-data-options.js';

const MARK = Symbol.for('nestjs-mikro-orm-soft-delete/personal-data');

/** What a class says about personal data: what is to become of it, or that there is none. @internal */
export interface PersonalDataMark {
  /** As messages name it, such as `@PersonalData() on User`. */
  readonly where: string;
  readonly options: PersonalDataOptions | 'none';
}

/** Remembers on the class itself what it says. A class below it may say more. @internal */
export function setPersonalDataMark(target: object, mark: PersonalDataMark): void {
  Object.defineProperty(target, MARK, { value: mark, configurable: true });
}

/** What a class says itself, not a base class. @internal */
export function ownPersonalDataMark(target: object): PersonalDataMark | undefined {
  return Object.hasOwn(target, MARK) ? (target as { [MARK]?: PersonalDataMark })[MARK] : undefined;
}
