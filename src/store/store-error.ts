// The one error that leaves this room: the store could not be opened. Once it is open, nothing throws.

/**
 * locked    another daemon holds it
 * newer     written by a newer version of the program
 * older     a reader met a file that the daemon has not migrated yet
 * unusable  missing, no permission, not a directory, on a network file system, not a database
 */
export type StoreErrorCode = 'locked' | 'newer' | 'older' | 'unusable';

/** The store cannot be opened; the message says what to do. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
