const LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789-.";
/** 56 of them, 112 bits in a password: those that are read as others are left out. */
const LENGTH = 20;

/** A password at random, of letters that are read as what they are. */
export function password(): string {
  const found: string[] = [];
  while (found.length < LENGTH) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    // Of 256 bytes the last 32 would make some letters likelier than others.
    if (byte !== undefined && byte < 224) found.push(LETTERS[byte % LETTERS.length] as string);
  }
  return found.join("");
}
