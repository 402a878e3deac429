"""AMI's meetings as talks: real words and real listeners, nod for nod (``python -m train simulate meetings``)."""
