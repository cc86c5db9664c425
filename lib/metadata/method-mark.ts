/**
 * A decorator of methods whose type is `Handler`, TypeScript's and ECMAScript's alike.
 *
 * @publicApi
 */
export interface MethodMarker<Handler> {
  <Method extends Handler>(method: Method, context: ClassMethodDecoratorContext): void;
  <Method extends Handler>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<Method>): void;
}

/** What methods are to be called for, remembered on the methods themselves. @internal */
export class MethodMark<Mark> {
  readonly #symbol: symbol;

  constructor(name: string) {
    this.#symbol = Symbol.for(`nestjs-mikro-orm-soft-delete/${name}`);
  }

  /** What a method was marked for, if anything. */
  of(method: object): readonly Mark[] {
    return (method as Record<symbol, readonly Mark[] | undefined>)[this.#symbol] ?? [];
  }

  decorator<Handler>(mark: Mark): MethodMarker<Handler> {
    return (target: object, _key: unknown, descriptor?: PropertyDescriptor) => {
      const method = descriptor ? (descriptor.value as object) : target;
      Object.defineProperty(method, this.#symbol, { value: [...this.of(method), mark], configurable: true });
    };
  }
}
