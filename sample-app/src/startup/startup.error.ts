/** Something outside the program keeps it from starting. Its message is for the person at the terminal: one line, no stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';

  constructor(message: string, options?: ErrorOptions) {
    super(message.replace(/\s+/g, ' ').trim(), options);
  }
}
