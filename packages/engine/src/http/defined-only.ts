type DefinedOnly<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };
type Given<T> = DefinedOnly<{ [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] }> &
  DefinedOnly<{ [Key in keyof T as undefined extends T[Key] ? Key : never]?: T[Key] }>;

/** The fields that are there: schemas make `{ a: undefined }` of an absent field, and the api knows absent fields only. */
export function definedOnly<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
